"""Weighing: what recruiters share, from finding a slate's candidates among the lessons to filling seats in order.

A candidate without lessons, or one whose screen said yes, is known by its profile's counts, and its reason says so.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.decision import Seat
from core.ids import ExpertName
from routing.explaining import price, standing
from routing.quality import expected_qualities, panel_quality
from routing.readings import Flags, Numbers, Places, Vectors
from routing.schooling import Schooling
from routing.slate import Choice, Slate, seat


@dataclass(frozen=True, slots=True)
class Estimate:
    """How good each candidate is expected to be, in 0..1, and whether lessons say so or counts alone; [candidates]."""

    quality: Numbers
    taught: Flags

    def reasons(self, slate: Slate, told: Sequence[str]) -> list[str]:
        """Return one line a candidate: what lessons tell of it, given in `told`, and its price; or what counts say."""
        return [
            f"{told[at]}, {price(slate, at)}" if taught else f"by counts, not lessons: {standing(slate, at)}"
            for at, taught in enumerate(self.taught.tolist())
        ]


def vector_of(slate: Slate) -> Vectors | None:
    """Return the meaning of the query, [dims]; nothing when it was not read."""
    if slate.readings is None or not slate.readings.vectors.shape[1]:
        return None
    vector: Vectors = slate.readings.vectors[0]
    return vector


def columns_of(slate: Slate, experts: tuple[ExpertName, ...]) -> Places:
    """Return each candidate's place among `experts`, -1 where it has none; not to be written to."""
    return _columns(tuple([candidate.spec.name for candidate in slate.candidates]), experts)


def estimated(slate: Slate, experts: tuple[ExpertName, ...], quality: Numbers) -> Estimate:
    """Return the estimate of the candidates from that of the lessons' experts, [experts]."""
    columns = columns_of(slate, experts)
    taught = (columns >= 0) & ~slate.sure
    if taught.all():
        return Estimate(quality[columns], taught)
    return Estimate(np.where(taught, quality[columns], expected_qualities(slate)), taught)


def counted(slate: Slate) -> Estimate:
    """Return the estimate by the counts of the profile alone."""
    return Estimate(expected_qualities(slate), np.zeros(len(slate.candidates), bool))


def foreseen(slate: Slate, schooling: Schooling | None) -> Estimate:
    """Return the estimate by foresight; by counts when nothing was learned or the query was not read."""
    if schooling is None or slate.readings is None or vector_of(slate) is None:
        return counted(slate)
    return estimated(slate, schooling.lessons.experts, schooling.foresight.quality(slate.readings)[0])


def usual(slate: Slate, schooling: Schooling | None) -> Estimate:
    """Return the estimate over all kinds of queries together: who is strong, who is weak."""
    if schooling is None:
        return counted(slate)
    return estimated(slate, schooling.lessons.experts, schooling.foresight.right.level)


def mean_outcomes(right: Numbers, weights: Numbers, overall: Numbers, shrinkage: float = 0.0) -> Numbers:
    """Return each expert's mean outcome in each group of lessons, [groups, experts].

    `right` is [lessons, experts], nan where nothing was recorded, `weights` [groups, lessons]. The `overall` outcome of
    an expert counts as `shrinkage` lessons more, and stands alone where there are none.
    """
    known = ~np.isnan(right)
    seen = weights @ known + shrinkage
    total = weights @ np.where(known, right, 0.0) + shrinkage * overall
    return np.where(seen > 0, total / np.where(seen > 0, seen, 1.0), overall)


def values(slate: Slate, quality: Numbers) -> Numbers:
    """Return what each candidate is worth: its quality less its price, as dear as the slate's thrift makes it."""
    return quality - slate.thrift * slate.prices if slate.thrift else quality


def softmax(worth: Numbers, temperature: float) -> Numbers:
    """Return the weight of each of several worths, summing to 1; the colder, the more the best one has of it."""
    raised = np.exp((worth - worth.max()) / temperature)
    return np.asarray(raised / raised.sum())


def ranked(slate: Slate, scores: Numbers) -> list[int]:
    """Return the candidates, the highest score first; ties go to the cheaper, then to the first in the pool."""
    return [int(at) for at in np.lexsort((slate.costs, -scores))]


def affordable(slate: Slate) -> Flags:
    """Return which candidates the budget reaches, each taken alone."""
    return slate.costs <= slate.budget if slate.budget is not None else np.ones(len(slate.costs), bool)


def seated(
    slate: Slate, order: Sequence[int], scores: Numbers, quality: Numbers, whys: Sequence[str], most: int = 1
) -> Choice:
    """Return the choice of the first `most` candidates of `order` that the rest of the budget reaches.

    `scores`, `quality` and `whys` are by candidate. A budget that reaches nobody leaves the panel empty.
    """
    chosen: list[int] = []
    passed: list[Seat] = []
    left = math.inf if slate.budget is None else slate.budget
    for at in order:
        cost = int(slate.costs[at])
        full = len(chosen) >= most
        if not full and cost <= left:
            chosen.append(at)
            left -= cost
        else:
            why = whys[at] if full else f"the budget does not reach: {whys[at]}"
            passed.append(seat(slate, at, float(scores[at]), float(quality[at]), why))
    return Choice(
        tuple([seat(slate, at, float(scores[at]), float(quality[at]), whys[at]) for at in chosen]),
        tuple(passed),
        _expected(slate, chosen, quality),
    )


def by_counts(slate: Slate, rng: random.Random) -> Choice:  # noqa: ARG001 (nothing is left to chance)
    """Return the one candidate of the best value by the counts of its profile: what is left without lessons."""
    estimate = counted(slate)
    scores = values(slate, estimate.quality)
    return seated(slate, ranked(slate, scores), scores, estimate.quality, estimate.reasons(slate, ()))


def _expected(slate: Slate, chosen: Sequence[int], quality: Numbers) -> float:
    if len(chosen) == 1:
        return float(quality[chosen[0]])
    return panel_quality([float(quality[at]) for at in chosen], [slate.candidates[at].family for at in chosen])


@lru_cache(maxsize=256)
def _columns(names: tuple[ExpertName, ...], experts: tuple[ExpertName, ...]) -> Places:
    places = {name: at for at, name in enumerate(experts)}
    columns = np.array([places.get(name, -1) for name in names], np.intp)
    # It is handed to everybody who asks with the same names.
    columns.flags.writeable = False
    return columns
