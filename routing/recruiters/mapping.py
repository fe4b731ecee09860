"""Which expert for which category, when all experts that are used must fit together: the exact optimum.

After Composition-of-Experts (arXiv 2412.01868), whose sizes are parameters; here they are any one kind of size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from routing.readings import Numbers, Places

ENUMERABLE: Final = 15
"""Up to this many experts every set of them is looked at; beyond, an integer program is solved."""


@dataclass(frozen=True, slots=True)
class Mapping:
    """The place of the expert of each category, [categories], and what the whole is worth."""

    experts: Places
    worth: float


def mapped(quality: Numbers, weights: Numbers, sizes: Numbers, budget: float) -> Mapping:
    """Return the mapping of the greatest weighted quality whose distinct experts' sizes add up to at most `budget`.

    `quality` is [categories, experts], `weights` [categories], `sizes` [experts]. Raises `ValueError` when not even
    one expert fits.
    """
    fits = np.flatnonzero(sizes <= budget)
    if not len(fits):
        raise ValueError(f"no expert fits into {budget:g}: the smallest takes {sizes.min(initial=np.inf):g}")
    solve = by_subsets if len(fits) <= ENUMERABLE else by_program
    kept = fits[solve(quality[:, fits], weights, sizes[fits], budget)]
    experts = kept[quality[:, kept].argmax(axis=1)]
    return Mapping(experts, float(weights @ quality[np.arange(len(quality)), experts]))


def by_subsets(quality: Numbers, weights: Numbers, sizes: Numbers, budget: float) -> Places:
    """Return the best set of experts by looking at all sets; of equally good ones the smallest."""
    best = np.full((1, len(quality)), -np.inf)
    total = np.zeros(1)
    # Each expert doubles the sets: those without it, then those with it.
    for at, size in enumerate(sizes):
        best = np.concatenate([best, np.maximum(best, quality[:, at])])
        total = np.concatenate([total, total + size])
    best, total = best[1:], total[1:]
    worth = np.where(total <= budget, best @ weights, -np.inf)
    winner = int(np.lexsort((total, -worth))[0]) + 1
    return np.flatnonzero((winner >> np.arange(len(sizes))) & 1)


def by_program(quality: Numbers, weights: Numbers, sizes: Numbers, budget: float) -> Places:
    """Return the best set of experts by a mixed-integer program.

    It asks which experts are kept, and which part of each category each takes: at most as much as it is kept. With the
    experts kept given, the parts are whole by themselves, so that only the keeping must be.
    """
    categories, experts = quality.shape
    parts = categories * experts
    gain = np.concatenate([-(weights[:, None] * quality).ravel(), np.zeros(experts)])
    each_served = np.hstack([np.kron(np.eye(categories), np.ones(experts)), np.zeros((categories, experts))])
    only_kept = np.hstack([np.eye(parts), -np.tile(np.eye(experts), (categories, 1))])
    size = np.concatenate([np.zeros(parts), sizes])[None]
    found = milp(
        gain,
        integrality=np.concatenate([np.zeros(parts), np.ones(experts)]),
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(each_served, 1, 1),
            LinearConstraint(only_kept, -np.inf, 0),
            LinearConstraint(size, -np.inf, budget),
        ],
        options={"mip_rel_gap": 0.0},
    )
    return np.flatnonzero(found.x[parts:] > 0.5)
