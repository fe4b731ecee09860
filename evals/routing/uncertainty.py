"""How sure a mean over questions is: percentile bootstrap intervals, paired where two recruiters are compared.

One array [questions] is one test set; a sequence of arrays is one per split, and each split counts the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from routing.profiles.table import Numbers

LEVEL: Final = 0.95
RESAMPLES: Final = 2_000
# Drawn in blocks of 32 MB, so that a large pool with many resamples fits into memory.
_CELLS: Final = 1 << 22


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the bounds of its confidence interval, in the unit of the values."""

    mean: float
    low: float
    high: float


def mean_interval(
    values: Numbers | Sequence[Numbers],
    rng: np.random.Generator,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return the mean with its interval; nan is a question that was not measured, and is left out.

    Questions are resampled with replacement within each split, and the split means averaged. Splits that share
    questions are resampled as if they did not, which makes the interval too narrow: average those by question first.
    """
    splits = [split[~np.isnan(split)] for split in _splits(values)]
    if not splits or not all(len(split) for split in splits):
        raise ValueError("every split needs a question that was measured")
    means = np.mean([_resampled(split, rng, resamples) for split in splits], axis=0)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(np.mean([split.mean() for split in splits])), float(low), float(high))


def difference_interval(
    ours: Numbers | Sequence[Numbers],
    theirs: Numbers | Sequence[Numbers],
    rng: np.random.Generator,
    *,
    level: float = LEVEL,
    resamples: int = RESAMPLES,
) -> Interval:
    """Return the mean of `ours - theirs`, paired by question, with its interval; a pair with a nan is left out."""
    pairs = list(zip(_splits(ours), _splits(theirs), strict=True))
    if any(len(mine) != len(other) for mine, other in pairs):
        raise ValueError("pairs need the same questions on both sides")
    return mean_interval([mine - other for mine, other in pairs], rng, level=level, resamples=resamples)


def _splits(values: Numbers | Sequence[Numbers]) -> list[Numbers]:
    return [values] if isinstance(values, np.ndarray) and values.ndim == 1 else list(values)


def _resampled(values: Numbers, rng: np.random.Generator, resamples: int) -> Numbers:
    block = max(1, _CELLS // len(values))
    sizes = [min(block, resamples - done) for done in range(0, resamples, block)]
    return np.concatenate([values[rng.integers(0, len(values), (size, len(values)))].mean(axis=1) for size in sizes])
