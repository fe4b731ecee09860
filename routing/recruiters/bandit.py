"""A contextual bandit that learns as it goes: linear Thompson sampling (arXiv 1209.3352) with a ridge per expert.

It tries whom it knows little of and asks whom it knows to be good; what it knows comes from the rewards it is told.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

import numpy as np

from core.ids import ExpertName
from routing.quality import expected_qualities
from routing.readings import Numbers, Vectors
from routing.recruiters.contract import Method, Recruiter, Settled, Timing, Training, Traits
from routing.recruiters.weighing import Estimate, ranked, seated, values, vector_of
from routing.schooling import Schooling
from routing.slate import Choice, Slate

DIMENSIONS: Final = 16
"""To how many numbers a query's meaning is projected: an expert must be learned from tens of rewards; design choice."""
REACH: Final = 0.25
"""How far each of those numbers spreads beside the constant 1; design choice: skill matters less than strength."""
NOISE: Final = 0.5
"""The standard deviation of a reward around what is expected of it: at most that of a coin."""
PRIOR: Final = 4.0
"""How many rewards the profile's counts, from which an unknown expert starts, are worth; design choice."""

CONSTANT: Final[Numbers] = np.eye(1, DIMENSIONS + 1).ravel()
"""The features of a query that was not read."""


@dataclass(slots=True)
class Arm:
    """The ridge regression of one expert's rewards: the `inverse` of its precision [features, features], and `pull`."""

    inverse: Numbers
    pull: Numbers

    def belief(self, features: Numbers) -> tuple[float, float]:
        """Return the reward to expect, and how unsure that is, as a standard deviation."""
        moved = self.inverse @ features
        return float(moved @ self.pull), NOISE * math.sqrt(max(0.0, float(moved @ features)))

    def learn(self, features: Numbers, reward: float) -> None:
        """Take in one reward (Sherman and Morrison's update)."""
        moved = self.inverse @ features
        self.inverse -= np.outer(moved, moved) / (1.0 + features @ moved)
        self.pull += reward * features


@dataclass(frozen=True, slots=True)
class Projection:
    """The query as features: a constant 1, and its meaning along some directions, `axes` [dims, directions]."""

    level: Numbers
    axes: Numbers

    def of(self, vectors: Vectors) -> Numbers:
        """Return the features of queries, [queries, features]."""
        meaning = REACH * ((vectors - self.level) @ self.axes)
        return np.concatenate([np.ones((len(vectors), 1)), meaning], axis=1)


@dataclass(frozen=True, slots=True)
class Bandit(Settled):
    """Draws each candidate's quality from what is believed of it, and asks the one of the best draw for its price.

    Experts err on their own account here, so that drawing an expert's weights or its expected reward is the same.
    """

    projection: Projection | None = None
    arms: dict[ExpertName, Arm] = field(default_factory=dict)

    def recruit(self, slate: Slate, rng: random.Random) -> Choice:
        """Return the one candidate of the best draw."""
        features = self._features(slate)
        counts = expected_qualities(slate)
        drawn, quality, told = [], [], []
        for at, (candidate, count) in enumerate(zip(slate.candidates, counts.tolist(), strict=True)):
            arm = self.arms.get(candidate.spec.name) or _fresh(count)
            mean, deviation = (count, 0.0) if slate.sure[at] else arm.belief(features)
            # One draw a candidate, needed or not, so that the same seed means the same luck on any slate.
            drawn.append(mean + deviation * rng.gauss(0.0, 1.0))
            quality.append(min(1.0, max(0.0, mean)))
            told.append(f"rewarded by {mean:.2f} give or take {deviation:.2f}")
        known = np.array([candidate.spec.name in self.arms for candidate in slate.candidates]) & ~slate.sure
        estimate = Estimate(np.array(quality), known)
        scores = values(slate, np.array(drawn))
        reasons = estimate.reasons(slate, told)
        whys = [f"drawn {draw:.2f}; {reason}" for draw, reason in zip(drawn, reasons, strict=True)]
        return seated(slate, ranked(slate, scores), scores, estimate.quality, whys)

    def learn(self, slate: Slate, at: int, reward: float) -> None:
        """Take in how right the candidate at a place of the slate was on its query, in 0..1."""
        name = slate.candidates[at].spec.name
        if name not in self.arms:
            self.arms[name] = _fresh(float(expected_qualities(slate)[at]))
        self.arms[name].learn(self._features(slate), reward)

    def _features(self, slate: Slate) -> Numbers:
        vector = vector_of(slate)
        if vector is None:
            return CONSTANT
        return (self.projection or _at_random(len(vector))).of(vector[None]).ravel()


def make(schooling: Schooling | None) -> Recruiter:
    """Return a bandit that took in the lessons as if they were rewards, and projects along what tells them apart."""
    if schooling is None:
        return Bandit()
    lessons = schooling.lessons
    projection = _principal(lessons.readings.vectors)
    features = projection.of(lessons.readings.vectors)
    arms = {}
    for name, right, level in zip(lessons.experts, lessons.right.T, schooling.foresight.right.level, strict=True):
        told = ~np.isnan(right)
        precision = PRIOR * np.eye(DIMENSIONS + 1) + features[told].T @ features[told]
        arms[name] = Arm(np.linalg.inv(precision), _start(float(level)) + features[told].T @ right[told])
    return Bandit(projection, arms)


def _fresh(quality: float) -> Arm:
    return Arm(np.eye(DIMENSIONS + 1) / PRIOR, _start(quality))


def _start(quality: float) -> Numbers:
    return np.asarray(PRIOR * quality * CONSTANT)


def _principal(vectors: Vectors) -> Projection:
    """Return the directions along which the lessons differ most, each scaled to spread by one."""
    level = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - level
    spread, axes = np.linalg.eigh(centred.T @ centred / max(1, len(vectors)))
    spread, axes = spread[::-1][:DIMENSIONS], axes[:, ::-1][:, :DIMENSIONS]
    scaled = np.where(spread > 1e-9, axes / np.sqrt(np.maximum(spread, 1e-9)), 0.0)
    return Projection(level, np.pad(scaled, ((0, 0), (0, DIMENSIONS - scaled.shape[1]))))


@lru_cache(maxsize=8)
def _at_random(dims: int) -> Projection:
    """Return random directions, the same at each start; along each, vectors of unit length spread by about one."""
    return Projection(np.zeros(dims), np.random.default_rng(0).standard_normal((dims, DIMENSIONS)))


METHOD: Final = Method(
    Traits(
        name="bandit",
        timing=Timing.BEFORE,
        family="reinforcement learning: contextual bandit",
        training=Training.FEEDBACK,
        cold_start="counts, and chance in keeping with how little they say",
        source="linear Thompson sampling (arXiv 1209.3352) on a projected query",
    ),
    make,
)
