"""How well a few models kept in memory serve a sequence of panels: local consistency and cache hit rates.

SRP and SCH are those of arXiv 2505.16056, with a request for a token, a model for an expert of a layer, and m
successive requests for a segment.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from routing.profiles.table import Numbers

Panels = Sequence[Collection[str]]
Flags = npt.NDArray[np.bool_]


class Policy(StrEnum):
    """What is evicted first: the least recently used, the least often used so far, or what is needed again last.

    Of equally often used ones the least recently used goes first, of other equals the first by name.
    """

    LRU = "lru"
    LFU = "lfu"
    CLAIRVOYANT = "clairvoyant"


@dataclass(frozen=True, slots=True)
class SegmentRouting:
    """SRP in 0..1, and how many experts the segments' groups hold for each one that a request uses (1 is as many)."""

    performance: float
    size_ratio: float


def distinct_experts(panels: Panels) -> int:
    """Return how many different experts the panels use."""
    return len(set[str]().union(*panels))


def segment_routing(panels: Panels, m: int) -> SegmentRouting:
    """Return SRP(m): the best F1 with which one group of experts a segment stands for the panels in it.

    A segment is any m successive requests, at every position. With n the requests of a segment that use an expert, its
    group is {n >= t}, for the one t in 1..m with the highest F1 = 2 sum n(group) / (sum m |group| + sum n(all)), each
    sum over all segments. Of equally good t the highest counts, which makes the smallest groups. nan when no panel has
    an expert.
    """
    active = _activity(panels)
    if not 1 <= m <= len(active):
        raise ValueError(f"a segment of {m} does not fit into {len(active)} requests")
    totals = np.concatenate([np.zeros((1, active.shape[1]), np.int64), np.cumsum(active, axis=0)])
    pairs = np.bincount((totals[m:] - totals[:-m]).ravel(), minlength=m + 1)
    chosen = np.cumsum(pairs[::-1])[::-1][1:]
    covered = np.cumsum((pairs * np.arange(m + 1))[::-1])[::-1][1:]
    if not covered[0]:
        return SegmentRouting(math.nan, math.nan)
    f1 = 2 * covered / (m * chosen + covered[0])
    best = m - 1 - int(np.argmax(f1[::-1]))
    return SegmentRouting(float(f1[best]), float(m * chosen[best] / covered[0]))


def segment_hit_rate(panels: Panels, m: int, rho: float) -> float:
    """Return SCH(m, rho) in 0..1: the hit rate of a cache that evicts what the next m requests use least.

    It has `rho` times the mean panel size as slots, rounded, at least one; of equals it evicts the least recently used.
    The paper's released code counts the most used experts of each window instead, which charges no loads.
    """
    active = _activity(panels)
    if not active.any():
        return math.nan
    slots = max(1, math.floor(rho * active.sum() / len(active) + 0.5))
    return _hit_rate(active, _used_soon(active, m), slots)


def hit_rate(panels: Panels, slots: int, policy: Policy) -> float:
    """Return the share of calls, in 0..1, that find their model resident when their panel arrives.

    The cache starts empty, so the first call of each model is a miss. A panel that fits is resident as a whole once it
    was served, whatever has to leave for it; of one that does not fit, only members are. Among all caches that do so
    the clairvoyant one has the most hits. nan when no panel has an expert.
    """
    active = _activity(panels)
    worth = {Policy.LRU: _last_used, Policy.LFU: _used_often, Policy.CLAIRVOYANT: _used_next}[policy]
    return _hit_rate(active, worth(active), slots)


def _activity(panels: Panels) -> Flags:
    """Return [requests, experts]: who is on which panel, experts by name."""
    columns = {name: at for at, name in enumerate(sorted(set[str]().union(*panels)))}
    active = np.zeros((len(panels), len(columns)), np.bool_)
    for row, panel in enumerate(panels):
        active[row, [columns[name] for name in panel]] = True
    return active


def _hit_rate(active: Flags, worth: Numbers, slots: int) -> float:
    """Keep the panel, then what has the most `worth` [requests, experts] after each request."""
    if slots < 1:
        raise ValueError("a cache needs at least one slot")
    calls = int(active.sum())
    resident, hits = np.zeros(active.shape[1], np.bool_), 0
    for panel, value in zip(active, worth, strict=True):
        hits += int((resident & panel).sum())
        held = np.flatnonzero(resident | panel)
        if len(held) > slots:
            held = held[np.lexsort((value[held], panel[held]))[-slots:]]
        resident = np.zeros(active.shape[1], np.bool_)
        resident[held] = True
    return hits / calls if calls else math.nan


def _last_used(active: Flags) -> Numbers:
    now = np.arange(1.0, len(active) + 1)[:, None]
    return np.maximum.accumulate(np.where(active, now, 0.0), axis=0)


def _used_often(active: Flags) -> Numbers:
    return np.cumsum(active, axis=0) + _recency(active)


def _used_next(active: Flags) -> Numbers:
    now = np.arange(1.0, len(active) + 1)[:, None]
    from_now = np.minimum.accumulate(np.where(active, now, np.inf)[::-1], axis=0)[::-1]
    return -np.concatenate([from_now[1:], np.full((1, active.shape[1]), np.inf)])


def _used_soon(active: Flags, m: int) -> Numbers:
    if m < 1:
        raise ValueError("a segment has at least one request")
    totals = np.cumsum(active, axis=0)
    until = np.minimum(np.arange(len(active)) + m, len(active) - 1)
    return totals[until] - totals + _recency(active)


def _recency(active: Flags) -> Numbers:
    """Return a tie-breaker in 0..1, below any difference of counts."""
    return _last_used(active) / (len(active) + 1)
