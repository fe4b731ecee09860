"""Which model a host serves next, for how long, and what it unloads to make room: pure decisions, no I/O."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from core.hosting import Backlog
from core.ids import ModelName


@dataclass(frozen=True, slots=True)
class Resident:
    """A model in memory: what it takes in bytes, and for how many seconds nobody used it."""

    model: ModelName
    memory_bytes: int
    idle_s: float


def next_model(
    backlog: Sequence[Backlog], servable: Container[ModelName], rested_s: Mapping[ModelName, float]
) -> ModelName | None:
    """Return the servable model that has waited longest for a turn, or nothing when none waits.

    A model waits since its first waiting request came, or since the end of its last turn (`rested_s` seconds ago) when
    that is later: otherwise a model with an endless backlog would keep every turn.
    """
    waiting = [entry for entry in backlog if entry.model in servable and entry.waiting > 0]
    if not waiting:
        return None
    return max(waiting, key=lambda entry: (min(entry.oldest_s, rested_s.get(entry.model, inf)), entry.model)).model


def turn_over(model: ModelName, served_s: float, quantum_s: float, backlog: Sequence[Backlog]) -> bool:
    """Say whether a model must stop claiming: its time is used up and another model waits."""
    return served_s >= quantum_s and any(entry.model != model and entry.waiting > 0 for entry in backlog)


def evictions(resident: Sequence[Resident], wanted_bytes: int, budget_bytes: int) -> Sequence[ModelName] | None:
    """Return which models to unload so that `wanted_bytes` fit, longest idle first; nothing when they never can."""
    if wanted_bytes > budget_bytes:
        return None
    excess = sum(entry.memory_bytes for entry in resident) + wanted_bytes - budget_bytes
    unloaded: list[ModelName] = []
    for entry in sorted(resident, key=lambda entry: -entry.idle_s):
        if excess <= 0:
            break
        unloaded.append(entry.model)
        excess -= entry.memory_bytes
    return unloaded
