"""Implements the recruiting of Symbolic-MoE (arXiv 2503.05641): weights S x G, three draws with replacement.

Kept as the paper has it, to compare with: no counts, no prices, no budget, no early stop. `conclave` is the one to use.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from core.ids import ExpertName
from routing.explaining import price
from routing.profiles.table import Numbers
from routing.quality import expected_qualities, panel_quality
from routing.recruiters.contract import Method, Rule, Timing, Training, Traits
from routing.slate import Choice, Slate, seat

TEMPERATURE: Final = 0.5

Panel = tuple[ExpertName, ...]


def recruit(slate: Slate, rng: random.Random) -> Choice:
    """Return `k` seats drawn by weight; one expert may hold several. Without skills, `k` experts at random."""
    count = len(slate.candidates)
    if slate.tags:
        probabilities = probabilities_of(slate)
        drawn = draw(probabilities, slate.k, rng)
    else:
        probabilities = np.full(count, 1 / count)
        drawn = rng.sample(range(count), slate.k) if slate.k <= count else rng.choices(range(count), k=slate.k)
    qualities = expected_qualities(slate)
    seats = [
        seat(slate, at, float(probabilities[at]), float(qualities[at]), _why(slate, at, float(probabilities[at])))
        for at in range(count)
    ]
    chosen = sorted(set(drawn))
    return Choice(
        panel=tuple(seats[at] for at in drawn),
        passed=tuple(sorted((seats[at] for at in range(count) if at not in chosen), key=lambda s: -s.score)),
        expected_quality=panel_quality(
            [float(qualities[at]) for at in chosen], [slate.candidates[at].family for at in chosen]
        ),
    )


def probabilities_of(slate: Slate) -> Numbers:
    """Return each candidate's chance of a seat: its local suitability S times its global competency G, normalised.

    S sums the plus-one/minus-one profile over the matched skills. G is the profile's total, shifted above zero when
    any is negative, to the power 1/T, over its sum. Only candidates with S > 0 count; when there is none, S is shifted
    so that all do.
    """
    suitability = (slate.wins - slate.losses).sum(axis=0)
    if (suitability > 0).any():
        suitability = np.where(suitability > 0, suitability, 0.0)
    else:
        suitability = suitability - suitability.min() + 1
    weights = suitability * competency(slate.net_total)
    total = float(weights.sum())
    # Only a fresh profile gets here: whoever suits has a total of nought, and suitability alone must do.
    return np.asarray(weights / total if total > 0 else suitability / suitability.sum())


def competency(net_total: Numbers) -> Numbers:
    """Return the global competency G of each expert, summing to 1; equal when nobody has any."""
    shifted = net_total - net_total.min() + 1 if (net_total < 0).any() else net_total
    powered = np.asarray(shifted ** (1 / TEMPERATURE))
    total = float(powered.sum())
    return powered / total if total > 0 else np.full(len(net_total), 1 / max(1, len(net_total)))


def draw(probabilities: Numbers, k: int, rng: random.Random) -> list[int]:
    """Return `k` indices drawn with replacement."""
    edges = np.cumsum(probabilities)
    points = [rng.random() * edges[-1] for _ in range(k)]
    # The last edge may be rounded below a point; the last index with any chance is meant then.
    last = int(np.flatnonzero(probabilities)[-1])
    return [min(int(at), last) for at in np.searchsorted(edges, points, side="right")]


def trimmed(
    panels: Sequence[Panel], experts: Sequence[ExpertName], rng: random.Random, least: float = 0.05
) -> list[Panel]:
    """Return the panels of a batch without the experts that hold less than a share `least` of all its seats.

    Each of their seats goes to one of the remaining `experts`, drawn in proportion to the seats these hold: a model is
    not loaded for a handful of questions. Where nobody holds that many, all stay.
    """
    held = Counter(expert for panel in panels for expert in panel)
    frequent = [expert for expert in experts if held[expert] and held[expert] >= least * held.total()]
    if not frequent:
        return list(panels)
    counts = [held[expert] for expert in frequent]
    return [
        tuple(expert if expert in frequent else rng.choices(frequent, counts)[0] for expert in panel)
        for panel in panels
    ]


def _why(slate: Slate, at: int, probability: float) -> str:
    total = f"{int(slate.net_total[at]):+d} in all (profile {slate.profile_version}), {price(slate, at)}"
    if not slate.tags:
        return f"no skill was recognised, so by chance; net {total}"
    net = int((slate.wins[:, at] - slate.losses[:, at]).sum())
    skills = " and ".join(tag.name for tag in slate.tags)
    return f"chance {probability:.2f} a seat: net {net:+d} on {skills}, {total}"


METHOD: Final = Method(
    Traits(
        name="symbolic",
        timing=Timing.BEFORE,
        family="counts by skill",
        training=Training.PROFILE,
        cold_start="equal chances; without a recognised skill, different experts at random",
        source="implements Symbolic-MoE (arXiv 2503.05641)",
    ),
    lambda _: Rule(recruit),
)
