"""A panel that is as sure as it must be, in the style of dynamic routing (arXiv 2403.07652): top-p over the experts.

The smallest set of experts whose chances of being the one to ask add up to more than p.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from routing.lessons import Lessons
from routing.readings import Numbers
from routing.recruiters.contract import Method, Recruiter, Settled, Timing, Training, Traits
from routing.recruiters.weighing import foreseen, ranked, seated, softmax, values
from routing.schooling import Schooling
from routing.slate import Choice, Slate

ENOUGH: Final = 0.4
"""The p of the paper's code."""
TEMPERATURE: Final = 0.1
"""How peaked chances are before lessons tell; design choice."""
_COLDEST, _HOTTEST = 0.01, 10.0


@dataclass(frozen=True, slots=True)
class TopP(Settled):
    """Chances are a softmax of worth over `temperature`; they are not normalised anew over those chosen."""

    schooling: Schooling | None
    temperature: float = TEMPERATURE

    def recruit(self, slate: Slate, rng: random.Random) -> Choice:  # noqa: ARG002 (nothing is left to chance)
        """Return the likeliest candidates until their chances add up to more than p, at most `k`."""
        estimate = foreseen(slate, self.schooling)
        worth = values(slate, estimate.quality)
        chances = softmax(worth, self.temperature)
        order = ranked(slate, worth)
        needed = int((np.cumsum(chances[order]) <= ENOUGH).sum()) + 1
        told = [
            f"foreseen {quality:.2f}, the one to ask by a chance of {chance:.2f}"
            for quality, chance in zip(estimate.quality.tolist(), chances.tolist(), strict=True)
        ]
        reasons = estimate.reasons(slate, told)
        return seated(slate, order, chances, estimate.quality, reasons, min(slate.k, needed))


def temperature_of(lessons: Lessons, quality: Numbers) -> float:
    """Return the temperature under which chances foretell best who turns out right, by cross-entropy.

    `quality` [lessons, experts] is by foresight that has not seen the lesson. Where several were right, each is as
    good; where none was, there is nothing to learn.
    """
    asked = ~np.isnan(lessons.right)
    right = np.where(asked, lessons.right, 0.0)
    rows = np.flatnonzero(right.sum(axis=1) > 0)
    if not len(rows):
        return TEMPERATURE
    share = right[rows] / right[rows].sum(axis=1, keepdims=True)
    # Who was not asked could not win. A large number instead of infinity: nought times it is still nought.
    scores = np.where(asked[rows], quality[rows], -1e6)
    found = minimize_scalar(
        lambda log: -float((share * log_softmax(scores / np.exp(log), axis=1)).sum()),
        bounds=(np.log(_COLDEST), np.log(_HOTTEST)),
        method="bounded",
    )
    return float(np.exp(found.x))


def make(schooling: Schooling | None) -> Recruiter:
    """Return the recruiter, its temperature scaled on the lessons."""
    if schooling is None:
        return TopP(None)
    return TopP(schooling, temperature_of(schooling.lessons, schooling.foreseen))


METHOD: Final = Method(
    Traits(
        name="top_p",
        timing=Timing.BEFORE,
        family="supervised: panel size",
        training=Training.LESSONS,
        cold_start="counts, and a temperature chosen by hand",
        source="inspired by Harder Tasks Need More Experts (arXiv 2403.07652)",
    ),
    make,
)
