"""Avengers-style (arXiv 2505.19797), and Avengers-Pro-style (2508.12631) once money counts: experts ranked by cluster.

The lessons' vectors are clustered, experts are ranked within each cluster, and a query mixes its nearest clusters.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.ids import ExpertName
from routing.lessons import Lessons
from routing.readings import Numbers, Places, Vectors
from routing.recruiters.contract import Method, Recruiter, Rule, Settled, Timing, Training, Traits
from routing.recruiters.weighing import (
    by_counts,
    columns_of,
    estimated,
    mean_outcomes,
    ranked,
    seated,
    vector_of,
)
from routing.schooling import Schooling
from routing.skills import unit
from routing.slate import Choice, Slate

CLUSTERS: Final = 64
LESSONS_EACH: Final = 20
"""A cluster has about this many lessons or more, so that few lessons make few clusters; design choice."""
NEAREST: Final = 3
BETA: Final = 6.0
SEED: Final = 42


@dataclass(frozen=True, slots=True)
class Clusters(Settled):
    """`centres` [clusters, dims] are of unit length; `accuracy` [clusters, experts] is how often experts are right.

    The released centres of Avengers are not normalised, which favours tight clusters; these are, as its text has it.
    """

    experts: tuple[ExpertName, ...]
    centres: Vectors
    accuracy: Numbers

    def recruit(self, slate: Slate, rng: random.Random) -> Choice:
        """Return the best ranked `k`; with thrift the one of the best trade of accuracy for cost."""
        vector = vector_of(slate)
        if vector is None:
            return by_counts(slate, rng)
        near, chances = self._mixture(vector)
        estimate = estimated(slate, self.experts, chances @ self.accuracy[near])
        columns = columns_of(slate, self.experts)
        accuracy = np.where(estimate.taught, self.accuracy[near][:, columns], estimate.quality)
        scores = chances @ (traded(accuracy, slate) if slate.thrift else by_rank(accuracy, slate))
        told = [f"right on {quality:.2f} of the {len(near)} nearest clusters" for quality in estimate.quality.tolist()]
        most = 1 if slate.thrift else slate.k
        return seated(slate, ranked(slate, scores), scores, estimate.quality, estimate.reasons(slate, told), most)

    def _mixture(self, vector: Vectors) -> tuple[Places, Numbers]:
        """Return the nearest clusters and what each counts, summing to 1."""
        distance = 1.0 - (self.centres @ vector).astype(np.float64)
        near = np.argsort(distance, kind="stable")[:NEAREST]
        raised = np.exp(-BETA * (distance[near] - distance[near[0]]))
        return near, raised / raised.sum()


def by_rank(accuracy: Numbers, slate: Slate) -> Numbers:
    """Return 1 / (rank + 0.1) of each candidate in each cluster, the best of rank 0; equals rank by price."""
    costs = np.broadcast_to(slate.costs, accuracy.shape)
    ranks = np.argsort(np.lexsort((costs, -accuracy)))
    return np.asarray(1.0 / (ranks + 0.1), np.float64)


def traded(accuracy: Numbers, slate: Slate) -> Numbers:
    """Return alpha * accuracy + (1 - alpha) * cheapness, both within 0..1 over the candidates; alpha 1 / (1 + thrift).

    The papers' alpha is swept by hand. Ours is 1 without thrift, and a half where a call must bring all the quality
    there is for its price.
    """
    least, most = accuracy.min(axis=1, keepdims=True), accuracy.max(axis=1, keepdims=True)
    alpha = 1.0 / (1.0 + slate.thrift)
    cheapness = 1.0 - slate.costs / max(1, int(slate.costs.max()))
    normalised = (accuracy - least) / np.maximum(most - least, 1e-9)
    return np.asarray(alpha * normalised + (1.0 - alpha) * cheapness)


def make(schooling: Schooling | None) -> Recruiter:
    """Return the recruiter; an expert that was never asked in a cluster is taken to be there as it is overall."""
    if schooling is None:
        return Rule(by_counts)
    lessons = schooling.lessons
    labels, centres = _clustered(lessons)
    members = (np.arange(len(centres))[:, None] == labels).astype(np.float64)
    accuracy = mean_outcomes(lessons.right, members, schooling.foresight.right.level)
    return Clusters(lessons.experts, centres, accuracy)


def _clustered(lessons: Lessons) -> tuple[Places, Vectors]:
    """Return the cluster of each lesson and the centres at length one."""
    # Importing it takes a second: only who has lessons to cluster shall wait for it.
    from sklearn.cluster import KMeans

    vectors = lessons.readings.vectors
    wanted = min(CLUSTERS, max(1, len(lessons) // LESSONS_EACH), len(np.unique(vectors, axis=0)))
    found = KMeans(wanted, init="k-means++", n_init=1, algorithm="elkan", random_state=SEED).fit(vectors)
    return np.asarray(found.labels_, np.intp), unit(np.asarray(found.cluster_centers_, np.float32))


METHOD: Final = Method(
    Traits(
        name="clusters",
        timing=Timing.BEFORE,
        family="similarity: clustering",
        training=Training.LESSONS,
        cold_start="the best single expert by counts",
        source="Avengers-style (arXiv 2505.19797), Avengers-Pro-style (arXiv 2508.12631) with thrift",
    ),
    make,
)
