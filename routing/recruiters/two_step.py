"""Composition-of-Experts-style (arXiv 2412.01868): first the category of a query, then the expert of that category.

When a category is not sure, the query is general and goes to the best over all questions.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.ids import ExpertName
from routing.profiles.shrinkage import STRENGTH
from routing.readings import Flags, Numbers
from routing.recruiters.categories import Categories, categories_of
from routing.recruiters.contract import Method, Recruiter, Rule, Settled, Timing, Training, Traits
from routing.recruiters.mapping import mapped
from routing.recruiters.weighing import (
    by_counts,
    columns_of,
    estimated,
    mean_outcomes,
    ranked,
    seated,
    values,
    vector_of,
)
from routing.schooling import Schooling
from routing.slate import Choice, Slate


@dataclass(frozen=True, slots=True)
class TwoStep(Settled):
    """`quality` [categories + 1, experts] is how often an expert is right in a category, in the last one over all.

    `kept` [experts] tells who belongs to the composition; the others are asked only where it can do nothing.
    """

    experts: tuple[ExpertName, ...]
    categories: Categories
    quality: Numbers
    kept: Flags

    def recruit(self, slate: Slate, rng: random.Random) -> Choice:
        """Return the candidate of the best value in the query's category."""
        vector = vector_of(slate)
        if vector is None:
            return by_counts(slate, rng)
        category, chance = self.categories.of(vector)
        estimate = estimated(slate, self.experts, self.quality[category])
        scores = values(slate, estimate.quality)
        kept = self._kept(slate)
        where = "all questions" if category == self.categories.general else f"category {category}"
        told = [
            f"{'' if kept[at] else 'not kept in the composition, '}right on {quality:.2f} of {where}"
            f" (sure of the category by {chance:.2f})"
            for at, quality in enumerate(estimate.quality.tolist())
        ]
        order = sorted(ranked(slate, scores), key=lambda at: not kept[at])
        return seated(slate, order, scores, estimate.quality, estimate.reasons(slate, told))

    def _kept(self, slate: Slate) -> list[bool]:
        columns = columns_of(slate, self.experts)
        unlimited = bool(self.kept.all())
        return [bool(self.kept[at]) if at >= 0 else unlimited for at in columns]


def make(schooling: Schooling | None, sizes: Numbers | None = None, budget: float = math.inf) -> Recruiter:
    """Return the recruiter; `sizes` [experts] of the lessons' experts may add up to at most `budget` over those kept.

    Without sizes everybody is kept, and each category simply goes to its best expert.
    """
    if schooling is None:
        return Rule(by_counts)
    lessons = schooling.lessons
    categories = categories_of(lessons)
    overall = schooling.foresight.right.level
    members = (np.arange(categories.general)[:, None] == lessons.topics).astype(np.float64)
    quality = np.vstack([mean_outcomes(lessons.right, members, overall, STRENGTH), overall])
    kept = np.ones(len(lessons.experts), bool)
    if sizes is not None:
        kept = np.isin(np.arange(len(kept)), mapped(quality, categories.frequency, sizes, budget).experts)
    return TwoStep(lessons.experts, categories, quality, kept)


METHOD: Final = Method(
    Traits(
        name="two_step",
        timing=Timing.BEFORE,
        family="similarity: classification",
        training=Training.LESSONS,
        cold_start="the best single expert by counts",
        source="Composition-of-Experts-style (arXiv 2412.01868)",
    ),
    make,
)
