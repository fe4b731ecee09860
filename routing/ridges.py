"""Ridge regression chosen with suspicion: the strongest ridge that predicts held-out lessons as well as any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from routing.readings import Flags, Numbers, Places

RIDGES: Final = (30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0, 100_000.0, np.inf)
"""Ridges to choose from; the last says that there is nothing to be learned."""
FOLDS: Final = 5


def folds(groups: Places) -> list[tuple[Flags, Flags]]:
    """Return which rows to learn from and which to hold out, fold by fold; rows of one group stay together."""
    number = groups % FOLDS
    return [(number != fold, number == fold) for fold in range(FOLDS) if (number == fold).any()]


@dataclass(frozen=True, slots=True)
class Ridged:
    """Ridge weights [features, targets], and what is predicted of each row by weights that have not seen it."""

    weights: Numbers
    held_out: Numbers


def ridged(features: Numbers, target: Numbers, groups: Places) -> Ridged:
    """Return the ridge regression of `target` [rows, targets] on centred `features` [rows, features].

    Each target has a ridge of its own: of those within one standard error of the best on held-out folds the strongest.
    With few lessons what seems an expert's own is mostly chance, and whoever picks the best of many experts picks the
    luckiest chance.
    """
    predicted = np.zeros((len(RIDGES), *target.shape))
    for rest, fold in folds(groups):
        for at, weights in enumerate(_ridges(features[rest], target[rest])):
            predicted[at, fold] = features[fold] @ weights
    errors = (target - predicted) ** 2
    best = errors.mean(axis=1).argmin(axis=0)
    behind = errors - np.take_along_axis(errors, best[None, None], axis=0)
    even = behind.mean(axis=1) <= behind.std(axis=1) / np.sqrt(max(1, len(features)))
    chosen = (len(RIDGES) - 1 - even[::-1].argmax(axis=0))[None, None]
    weights = np.take_along_axis(np.stack(_ridges(features, target)), chosen, axis=0)[0]
    return Ridged(weights, np.take_along_axis(predicted, chosen, axis=0)[0])


def _ridges(features: Numbers, target: Numbers) -> list[Numbers]:
    values, axes = np.linalg.eigh(features.T @ features)
    turned = axes.T @ (features.T @ target)
    return [axes @ (turned / (np.maximum(values, 1e-9) + ridge)[:, None]) for ridge in RIDGES]
