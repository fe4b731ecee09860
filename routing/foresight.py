"""Foresight: how likely each expert is to be right on a query, and how long it will speak, before anybody is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from routing.lessons import Lessons
from routing.readings import Numbers, Readings
from routing.ridges import Ridged, ridged

MEANING: Final = 3.0
CLUE: Final = 0.3
"""How far meaning and clues spread before the ridge weighs them; design choice, so that neither drowns the other."""
LEAST: Final = 0.02
SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How much of what seems an expert's own may be believed."""
THRIFTS: Final = (0.0, 0.1, 0.3)
"""At what prices of quality choosing is tried, to see how much to believe; design choice."""


@dataclass(frozen=True, slots=True)
class Line:
    """One linear estimate for each expert over the features of a query: `weights` [features, experts]."""

    weights: Numbers
    level: Numbers
    spread: Numbers

    def at(self, features: Numbers) -> Numbers:
        """Return the estimates, [queries, experts]."""
        return self.level + features @ self.weights


@dataclass(frozen=True, slots=True)
class Foresight:
    """Two ridge regressions on a query's meaning and clues, shrunk in two steps: what all experts share, then each.

    The hierarchy is the one of skill, parent and overall record without the borders between skills: with few lessons
    an expert is its own mean, with more the mean bends towards what queries have in common, and then towards what is
    its own.
    """

    right: Line
    words: Line
    clue_level: Numbers
    clue_spread: Numbers
    centre: Numbers

    def quality(self, readings: Readings) -> Numbers:
        """Return how likely each expert is to be right, [queries, experts], within 0.02..0.98."""
        return np.clip(self.right.at(self._features(readings)), LEAST, 1 - LEAST)

    def log_words(self, readings: Readings) -> Numbers:
        """Return the expected logarithm of the reply's length in tokens, [queries, experts]."""
        return self.words.at(self._features(readings))

    def words_expected(self, readings: Readings) -> Numbers:
        """Return the expected length of the reply in tokens, [queries, experts]."""
        return np.exp(self.log_words(readings) + self.words.spread**2 / 2)

    def _features(self, readings: Readings) -> Numbers:
        return _spread(readings, self.clue_level, self.clue_spread) - self.centre


@dataclass(frozen=True, slots=True)
class Learned:
    """Foresight, and the quality foreseen for each lesson by foresight that has not seen it, [questions, experts].

    Whatever is fitted on top of foresight needs that: on lessons it has seen, foresight is too sure of itself.
    """

    foresight: Foresight
    held_out: Numbers


def learn(lessons: Lessons) -> Learned:
    """Return the foresight that the lessons teach; in closed form, in a second for thousands of lessons."""
    clues = lessons.readings.clues
    level, spread = clues.mean(axis=0), np.maximum(clues.std(axis=0), 1e-6)
    features = _spread(lessons.readings, level, spread)
    centre = features.mean(axis=0)
    right = _parts(features - centre, lessons.right)
    words = _parts(features - centre, np.log(np.maximum(lessons.words, 1.0)))
    share = _share(lessons, right)
    foresight = Foresight(right.line(share), words.line(1.0), level, spread, centre)
    return Learned(foresight, np.clip(right.held_out(share), LEAST, 1 - LEAST))


@dataclass(frozen=True, slots=True)
class _Parts:
    """What all experts share, [features, 1], and what is each one's own, [features, experts]."""

    level: Numbers
    shared: Ridged
    own: Ridged
    spread: Numbers

    def line(self, share: float) -> Line:
        return Line(self.shared.weights + share * self.own.weights, self.level, self.spread)

    def held_out(self, share: float) -> Numbers:
        return self.level + self.shared.held_out + share * self.own.held_out


def _parts(features: Numbers, target: Numbers) -> _Parts:
    """Fit the shared part to the mean over experts, and each expert's own part to what is left of it."""
    known = ~np.isnan(target)
    counts = known.sum(axis=0)
    level = np.where(known, target, 0.0).sum(axis=0) / np.maximum(counts, 1)
    level = np.where(counts > 0, level, level[counts > 0].mean() if (counts > 0).any() else 0.0)
    # What was not recorded is taken to be as usual.
    rest = np.where(known, target - level, 0.0)
    common = rest.mean(axis=1, keepdims=True)
    rows = np.arange(len(features))
    shared, own = ridged(features, common, rows), ridged(features, rest - common, rows)
    left = np.where(known, rest - shared.held_out - own.held_out, 0.0)
    return _Parts(level, shared, own, np.sqrt((left**2).sum(axis=0) / np.maximum(counts, 1)))


def _share(lessons: Lessons, right: _Parts) -> float:
    """Return how much of what is each expert's own to believe: what choosing by it wins on lessons held out."""
    known = ~np.isnan(lessons.right)
    price = np.nan_to_num(lessons.price).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    price = price / max(float(price[right.level.argmax()]), 1e-12)
    rows = np.arange(len(lessons))
    won = []
    for share in SHARES:
        foreseen = np.where(known, right.held_out(share), -np.inf)
        chosen = [(foreseen - thrift * price).argmax(axis=1) for thrift in THRIFTS]
        won.append(
            sum(
                float((np.nan_to_num(lessons.right)[rows, at] - thrift * price[at]).mean())
                for thrift, at in zip(THRIFTS, chosen, strict=True)
            )
        )
    return SHARES[int(np.argmax(won))]


def _spread(readings: Readings, level: Numbers, spread: Numbers) -> Numbers:
    return np.concatenate([MEANING * readings.vectors, CLUE * (readings.clues - level) / spread], axis=1)
