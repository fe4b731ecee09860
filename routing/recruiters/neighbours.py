"""The kNN router of RouterBench (arXiv 2403.12031): how right was each expert on the most similar questions?"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from routing.lessons import Lessons
from routing.readings import Numbers
from routing.recruiters.contract import Method, Recruiter, Rule, Settled, Timing, Training, Traits
from routing.recruiters.nearest import nearest
from routing.recruiters.weighing import by_counts, estimated, mean_outcomes, ranked, seated, values, vector_of
from routing.schooling import Schooling
from routing.slate import Choice, Slate

NEAREST: Final = 40
"""How many lessons are looked at; the most of the 5, 10 and 40 that RouterBench tries."""


@dataclass(frozen=True, slots=True)
class Neighbours(Settled):
    """`overall` [experts] stands in for an expert that none of the nearest lessons tells of."""

    lessons: Lessons
    overall: Numbers

    def recruit(self, slate: Slate, rng: random.Random) -> Choice:
        """Return the candidate of the best value, by the mean outcome of the nearest lessons weighed by likeness."""
        vector = vector_of(slate)
        if vector is None:
            return by_counts(slate, rng)
        rows, likeness = nearest(self.lessons.readings.vectors, vector, NEAREST)
        outcomes = mean_outcomes(self.lessons.right[rows], likeness[None], self.overall)[0]
        estimate = estimated(slate, self.lessons.experts, outcomes)
        scores = values(slate, estimate.quality)
        told = [f"right on {quality:.2f} of the {len(rows)} nearest lessons" for quality in estimate.quality.tolist()]
        return seated(slate, ranked(slate, scores), scores, estimate.quality, estimate.reasons(slate, told))


def make(schooling: Schooling | None) -> Recruiter:
    """Return the recruiter; nothing is fitted, the lessons are what it knows."""
    if schooling is None:
        return Rule(by_counts)
    return Neighbours(schooling.lessons, schooling.foresight.right.level)


METHOD: Final = Method(
    Traits(
        name="neighbours",
        timing=Timing.BEFORE,
        family="similarity: nearest neighbours",
        training=Training.LESSONS,
        cold_start="the best single expert by counts",
        source="the kNN router of RouterBench (arXiv 2403.12031)",
    ),
    make,
)
