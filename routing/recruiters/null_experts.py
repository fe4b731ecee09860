"""A panel as large as the query deserves, inspired by AdaMoE's null experts (EMNLP Findings 2024).

As many null experts as there are seats compete with the candidates; each seat a null expert wins stays empty.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from routing.readings import Numbers
from routing.recruiters.contract import Method, Settled, Timing, Training, Traits
from routing.recruiters.weighing import Estimate, columns_of, foreseen, ranked, seated, softmax, values
from routing.schooling import Schooling
from routing.slate import Choice, Slate

NULL_SHARE: Final = 0.5
"""The share of seats that stay empty over the lessons, while money does not count; design choice."""
TEMPERATURE: Final = 0.1
"""How much better an expert is whose weight is e times another's; design choice, it orders nobody anew."""


@dataclass(frozen=True, slots=True)
class NullExperts(Settled):
    """Calibrated by foresight that has not seen the lesson; `levels` remembers what a null expert scores among whom."""

    schooling: Schooling | None
    levels: dict[tuple[bytes, int], float] = field(default_factory=dict)

    def recruit(self, slate: Slate, rng: random.Random) -> Choice:  # noqa: ARG002 (nothing is left to chance)
        """Return those of the best `k` that beat the null experts; the cheapest when nobody does."""
        estimate = foreseen(slate, self.schooling)
        worth = values(slate, estimate.quality)
        level = self._level(slate, estimate)
        weights = softmax(np.append(worth, [level] * slate.k), TEMPERATURE)
        beaten = int((worth >= level).sum())
        order = ranked(slate, worth) if beaten else [int(at) for at in np.lexsort((-worth, slate.costs))]
        told = [f"foreseen {one:.2f} where an empty seat is worth {level:.2f}" for one in estimate.quality.tolist()]
        reasons = estimate.reasons(slate, told)
        return seated(slate, order, weights, estimate.quality, reasons, min(slate.k, max(1, beaten)))

    def _level(self, slate: Slate, estimate: Estimate) -> float:
        if self.schooling is None or not estimate.taught.any():
            return null_level(estimate.quality[None], slate.k)
        columns = columns_of(slate, self.schooling.lessons.experts)[estimate.taught]
        key = (columns.tobytes(), slate.k)
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = null_level(self.schooling.foreseen[:, columns], slate.k)
        return level


def null_level(quality: Numbers, k: int) -> float:
    """Return the score of a null expert that wins `NULL_SHARE` of the best `k` places, over all rows together.

    `quality` is [queries, experts]. A place is lost to a null expert exactly when its quality is below this, so that
    the score is a quantile.
    """
    best = np.sort(quality, axis=1)[:, -k:]
    return float(np.quantile(best, NULL_SHARE))


METHOD: Final = Method(
    Traits(
        name="null_experts",
        timing=Timing.BEFORE,
        family="supervised: panel size",
        training=Training.LESSONS,
        cold_start="counts; an empty seat is worth the middle one of the best k",
        source="inspired by AdaMoE (EMNLP Findings 2024)",
    ),
    NullExperts,
)
