"""Which model a host serves next, for how long, and what it unloads to make room: pure decisions, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.ids import ModelName

TURN_IN_SWITCHES = 8.0
"""How long a turn is, in switch times: a ninth of the time then goes into switching, when every model has work."""


@dataclass(frozen=True, slots=True)
class Resident:
    """A model in memory: what it takes in bytes, and for how many seconds nobody used it."""

    model: ModelName
    memory_bytes: int
    idle_s: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """A model with waiting requests, in seconds on one clock.

    `since` is its turn clock: when its mailbox became non-empty, or when its last turn ended if that was later.
    `head` is when its oldest waiting request came.
    """

    model: ModelName
    since: float
    head: float


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn under way: the worst-case work it claimed so far and may claim while others wait, in seconds."""

    claimed_s: float
    quantum_s: float


class Policy(Protocol):
    """Whose turn is next, and when a turn claims no more.

    Within a model callers take turns, as `core.fairness` has it, where the policy is `fair`; else requests go as they
    came.
    """

    fair: bool

    def rank(self, waiting: Waiting) -> float:
        """Return what a free host compares: it serves the model with the smallest rank."""
        ...

    def goes_on(self, turn: Turn, work_s: float, arrived: float, rival: Waiting | None) -> bool:
        """Say whether a turn claims its next request, which came at `arrived` and takes `work_s` at most.

        `rival` is the other model that would be served next; nothing when no other waits.
        """
        ...


class Fifo:
    """A reference: requests in the order they came; those in a row for one model share its turn."""

    fair = False

    def rank(self, waiting: Waiting) -> float:
        """Return when the oldest request came."""
        return waiting.head

    def goes_on(self, turn: Turn, work_s: float, arrived: float, rival: Waiting | None) -> bool:  # noqa: ARG002
        """Say whether no other model's request came earlier."""
        return rival is None or arrived <= rival.head


class Collate:
    """A reference: a model is served until nothing waits for it, however long others wait."""

    fair = False

    def rank(self, waiting: Waiting) -> float:
        """Return when the oldest request came."""
        return waiting.head

    def goes_on(self, turn: Turn, work_s: float, arrived: float, rival: Waiting | None) -> bool:  # noqa: ARG002
        """Say yes."""
        return True


class Turns:
    """Ours: the model whose turn clock is oldest, for as much work as its quantum covers while others wait.

    With L the longest load, s the longest request, G = max(Q, s), D = slots x s and K >= 2 models, on one host, a turn
    starts within (K-2)(L+G) + L + max(G, D) + L of its turn clock. Every request claimed adds at most its worst-case
    work to the turn, a turn with nothing waiting ends, and nobody is served twice before another whose clock is older.
    """

    fair = True

    def rank(self, waiting: Waiting) -> float:
        """Return the turn clock."""
        return waiting.since

    def goes_on(self, turn: Turn, work_s: float, arrived: float, rival: Waiting | None) -> bool:  # noqa: ARG002
        """Say whether nobody else waits, or it is the first request, or it fits what is left of the quantum."""
        return rival is None or turn.claimed_s == 0 or turn.claimed_s + work_s <= turn.quantum_s


POLICIES: Mapping[str, Policy] = {"fifo": Fifo(), "collate": Collate(), "turns": Turns()}
"""The policies by name."""


class SwitchTime:
    """The moving average of measured switch times: from the last claim of a turn to the first claim of the next.

    Drain and load both count, and it is never taken for less than the load alone.
    """

    def __init__(self, load_s: float, weight: float = 0.2) -> None:
        """Begin at `load_s`; a new measurement counts `weight` (0..1)."""
        self._load_s = load_s
        self._weight = weight
        self._mean_s = load_s

    @property
    def seconds(self) -> float:
        """Return the average."""
        return max(self._mean_s, self._load_s)

    def measured(self, seconds: float) -> None:
        """Take a measurement in."""
        self._mean_s += self._weight * (seconds - self._mean_s)

    def quantum_s(self, switches: float = TURN_IN_SWITCHES) -> float:
        """Return how much work a turn may claim while others wait."""
        return switches * self.seconds


def next_model(waiting: Iterable[Waiting], policy: Policy) -> ModelName | None:
    """Return the model to serve next, or nothing when none waits; names decide between equals."""
    chosen = min(waiting, key=lambda entry: (policy.rank(entry), entry.model), default=None)
    return None if chosen is None else chosen.model


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
