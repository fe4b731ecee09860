"""Ranking over several benchmarks without weights: Competitive Swiss-System Dynamics (arXiv 2512.21010).

The benchmarks are rounds: in each, models with as many wins meet in random pairs, and some of the last drop out. The
order of the rounds matters, so every result carries it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from routing.profiles.table import Numbers

CONTESTS: Final = 2_000
"""The paper plays 100,000; with 2,000 the standard error is 0.04 wins at most, for 20 models and ten rounds."""
# Points are multiples of one half, so a random number below it shuffles a bucket and never leaves it.
_BUCKET: Final = 0.5


@dataclass(frozen=True, slots=True)
class Standings:
    """Expected wins of each model, [models], with their standard errors, and the order in which rounds were played."""

    expected: Numbers
    errors: Numbers
    order: tuple[str, ...]
    removed: int


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Expected wins [levels, models] for each number of models removed a round, and their slopes [models].

    The slope is in wins a removed model, by least squares: steep for a specialist that lives on late rounds, flat for a
    robust generalist.
    """

    removed: tuple[int, ...]
    expected: Numbers
    slopes: Numbers
    order: tuple[str, ...]


def win_tensor(scores: Numbers) -> Numbers:
    """Return [models, models, benchmarks]: 1 where the first model has the higher score, 0.5 for a tie, 0 otherwise.

    `scores` is [models, benchmarks], higher is better. A score of nan loses to any other. The paper gives no rule for
    ties; half a win each is the expectation of tossing a coin.
    """
    ranked = np.where(np.isnan(scores), -np.inf, scores)
    ours, theirs = ranked[:, None, :], ranked[None, :, :]
    return np.where(ours == theirs, 0.5, (ours > theirs).astype(np.float64))


def play(
    scores: Mapping[str, Sequence[float]], rng: np.random.Generator, *, removed: int = 0, contests: int = CONTESTS
) -> Standings:
    """Return the expected wins over `contests` simulated contests.

    `scores` maps each benchmark to a score a model, and its order is that of the rounds (the paper goes from basic to
    advanced). A model left without a partner in its bucket has no win that round. After each round `removed` models
    drop out, at random from the lowest bucket, and from the next one when that is used up.
    """
    wins = win_tensor(np.array(list(scores.values()), np.float64).T)
    points = np.zeros((contests, len(wins)))
    active = np.ones(points.shape, np.bool_)
    for each in range(wins.shape[2]):
        _meet(points, active, wins[:, :, each], rng)
        _drop(points, active, removed, rng)
    errors = points.std(axis=0) / np.sqrt(contests)
    return Standings(points.mean(axis=0), errors, tuple(scores), removed)


def sensitivity(
    scores: Mapping[str, Sequence[float]],
    rng: np.random.Generator,
    *,
    removed: Sequence[int],
    contests: int = CONTESTS,
) -> Sensitivity:
    """Return the failure sensitivity: `play` for each number in `removed`, of which two at least have to differ."""
    if len(set(removed)) < 2:
        raise ValueError("a slope needs two numbers of removed models")
    expected = np.stack([play(scores, rng, removed=each, contests=contests).expected for each in removed])
    levels = np.array(removed, np.float64) - np.mean(removed)
    return Sensitivity(tuple(removed), expected, levels @ expected / (levels @ levels), tuple(scores))


def _meet(points: Numbers, active: npt.NDArray[np.bool_], wins: Numbers, rng: np.random.Generator) -> None:
    """Pair neighbours of each bucket in random order, and add their wins to `points`, all [contests, models]."""
    levels = np.where(active, points, -1.0)
    order = np.argsort(-levels + rng.uniform(0.0, _BUCKET, levels.shape), axis=1)
    ordered = np.take_along_axis(levels, order, axis=1)
    places = np.arange(ordered.shape[1])
    begins = np.diff(ordered, axis=1, prepend=np.inf) != 0
    offsets = places - np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    leads = (ordered[:, :-1] == ordered[:, 1:]) & (ordered[:, :-1] >= 0) & (offsets[:, :-1] % 2 == 0)
    contest, place = np.nonzero(leads)
    first, second = order[contest, place], order[contest, place + 1]
    points[contest, first] += wins[first, second]
    points[contest, second] += wins[second, first]


def _drop(points: Numbers, active: npt.NDArray[np.bool_], removed: int, rng: np.random.Generator) -> None:
    """Take `removed` models out of `active`, the lowest first, [contests, models]."""
    shuffled = np.where(active, points, np.inf) + rng.uniform(0.0, _BUCKET, points.shape)
    order = np.argsort(shuffled, axis=1)
    stays = np.take_along_axis(active, order, axis=1) & (np.arange(points.shape[1]) >= removed)
    np.put_along_axis(active, order, stays, axis=1)
