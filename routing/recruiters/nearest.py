"""Nearest lessons: which questions that were asked before are most like this one in meaning. Exact search, no index."""

from __future__ import annotations

from typing import Final

import numpy as np

from routing.readings import Numbers, Places, Vectors

_BLOCK: Final = 1024


def nearest(vectors: Vectors, vector: Vectors, count: int) -> tuple[Places, Numbers]:
    """Return the rows of the `count` vectors most like one, in no order, and how like it they are, from 0 to 1.

    `vectors` is [lessons, dims], of unit length as is `vector`. Whatever points away from it counts as unlike: 0.
    """
    likeness = vectors @ vector
    rows = _most(likeness[None], count)[0]
    return rows, _from_nought(likeness[rows])


def nearest_others(vectors: Vectors, count: int) -> tuple[Places, Numbers]:
    """Return the same for each of the vectors among all others, both [lessons, count]: how a search fares unseen."""
    count = min(count, len(vectors) - 1)
    rows = np.empty((len(vectors), count), np.intp)
    likeness = np.empty((len(vectors), count))
    for start in range(0, len(vectors), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(vectors)))
        alike = vectors[block] @ vectors.T
        alike[block - start, block] = -np.inf
        rows[block] = _most(alike, count)
        likeness[block] = _from_nought(np.take_along_axis(alike, rows[block], axis=1))
    return rows, likeness


def _most(likeness: Vectors, count: int) -> Places:
    if count >= likeness.shape[1]:
        return np.broadcast_to(np.arange(likeness.shape[1]), likeness.shape)
    return np.argpartition(-likeness, count, axis=1)[:, :count]


def _from_nought(likeness: Vectors) -> Numbers:
    return np.clip(likeness.astype(np.float64), 0.0, 1.0)
