"""How well a score decides between a weak and a strong expert: PGR, APGR, CPT of RouteLLM (arXiv 2406.18665).

All are undefined, and nan, when the strong expert is not better than the weak one on the questions at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from routing.profiles.table import Numbers

_NOTHING: Final = 1e-12


@dataclass(frozen=True, slots=True)
class PgrCurve:
    """PGR against the share of strong calls, both [knots]: linear between the knots, from (0, 0) to (1, 1).

    A line between knots is a set of questions with one score, of which a random part goes to the strong expert.
    """

    shares: Numbers
    recovered: Numbers


def pgr(quality: float, weak: float, strong: float) -> float:
    """Return the performance gap recovered: (quality - weak) / (strong - weak), each a mean quality.

    1 is as good as always calling the strong expert; above and below 0..1 are possible.
    """
    return (quality - weak) / (strong - weak) if strong - weak > _NOTHING else float("nan")


def pgr_curve(scores: Numbers, weak: Numbers, strong: Numbers) -> PgrCurve:
    """Return the curve over every share of strong calls, the highest scores called first.

    All three are [questions]: how much a question calls for the strong expert, and how well each expert does on it.
    Questions with equal scores are in random order, and the curve is the expectation over that order.
    """
    if not len(scores) == len(weak) == len(strong) > 0:
        raise ValueError("scores, weak and strong need the same questions, and at least one")
    if np.isnan(scores).any():
        raise ValueError("a score is not a number")
    levels, level, counts = np.unique(-scores, return_inverse=True, return_counts=True)
    gained = np.cumsum(np.bincount(level, weights=strong - weak, minlength=len(levels)))
    shares = np.concatenate([[0.0], np.cumsum(counts) / len(scores)])
    if gained[-1] <= _NOTHING * len(scores):
        return PgrCurve(shares, np.full(len(shares), np.nan))
    return PgrCurve(shares, np.concatenate([[0.0], gained / gained[-1]]))


def apgr(curve: PgrCurve) -> float:
    """Return the average PGR: the integral of the curve over the shares 0..1, exact as the curve is linear by parts.

    A random score has 0.5 in expectation. RouteLLM samples the curve at ten shares, which approaches this.
    """
    return float(np.trapezoid(curve.recovered, curve.shares))


def cpt(curve: PgrCurve, recovered: float) -> float:
    """Return CPT, the least share of strong calls that recovers `recovered` (0..1) of the gap; nan when none does.

    A curve that falls has no inverse, so the running maximum is taken: where the curve, linear between its knots, first
    reaches the value.
    """
    reached = curve.recovered >= recovered
    if not reached.any():
        return float("nan")
    at = int(np.argmax(reached))
    if at == 0:
        return 0.0
    below, above = float(curve.recovered[at - 1]), float(curve.recovered[at])
    left, right = float(curve.shares[at - 1]), float(curve.shares[at])
    return left + (right - left) * (recovered - below) / (above - below)
