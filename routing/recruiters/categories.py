"""Categories: of which kind a query is, by its nearest lessons, and how sure that is; unsure is of no kind: general."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import isotonic_regression

from routing.lessons import Lessons
from routing.readings import Numbers, Places, Vectors
from routing.recruiters.nearest import nearest, nearest_others

NEAREST: Final = 20
"""How many lessons vote for a category; design choice, the paper names none."""
CONFIDENT: Final = 0.5
"""Below this chance of being right a query counts as general; design choice, the paper names none."""


@dataclass(frozen=True, slots=True)
class Categories:
    """A k-NN classifier over the lessons whose topic is known.

    `leads` and `chances` map the lead of the leading category to the chance that it is the right one: its likeness as
    a mean over all nearest lessons, so that it falls both where they disagree and where they are far away.
    `frequency` [categories + 1] tells how often the lessons, each among all others, are taken for each category; the
    last one, `general`, is what nobody is sure of.
    """

    vectors: Vectors
    topics: Places
    leads: Numbers
    chances: Numbers
    frequency: Numbers

    @property
    def general(self) -> int:
        """Return the number of the category of all queries."""
        return len(self.frequency) - 1

    def of(self, vector: Vectors) -> tuple[int, float]:
        """Return the category of a query, and the chance that its nearest topic is the right one."""
        if len(self.topics) < 2:
            return self.general, 0.0
        rows, likeness = nearest(self.vectors, vector, NEAREST)
        leaders, leads = _vote(self.topics[rows][None], likeness[None], self.general)
        chance = float(np.interp(leads[0], self.leads, self.chances))
        return (int(leaders[0]) if chance >= CONFIDENT else self.general), chance


def categories_of(lessons: Lessons) -> Categories:
    """Return the classifier, its confidence calibrated by isotonic regression on each lesson among all others."""
    told = np.flatnonzero(lessons.topics >= 0)
    vectors, topics = lessons.readings.vectors[told], lessons.topics[told]
    count = int(topics.max(initial=-1)) + 1
    if len(told) < 2:
        return Categories(vectors, topics, np.zeros(1), np.zeros(1), np.eye(count + 1)[-1])
    rows, likeness = nearest_others(vectors, NEAREST)
    leaders, leads = _vote(topics[rows], likeness, count)
    levels, place, times = np.unique(leads, return_inverse=True, return_counts=True)
    hits = np.bincount(place, leaders == topics) / times
    chances = np.asarray(isotonic_regression(hits, weights=times).x)
    taken = np.where(chances[place] >= CONFIDENT, leaders, count)
    frequency = np.bincount(taken, minlength=count + 1) / len(told)
    # A query unlike any lesson leads by less than any lesson did: towards nought, which says nothing.
    return Categories(vectors, topics, np.append(0.0, levels), np.append(0.0, chances), frequency)


def _vote(topics: Places, likeness: Numbers, count: int) -> tuple[Places, Numbers]:
    """Return the leading topic of each row and its lead; `topics` and `likeness` are [rows, nearest]."""
    votes = np.zeros((len(topics), count))
    np.add.at(votes, (np.arange(len(topics))[:, None], topics), likeness)
    return votes.argmax(axis=1), votes.max(axis=1) / topics.shape[1]
