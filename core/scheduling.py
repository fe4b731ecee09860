"""Which model a host serves next, for how long, and what it unloads to make room: pure decisions, no I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.hosting import Backlog
from core.ids import ModelName

TURN_IN_SWITCHES = 8.0
"""How long a turn is, in switch times: a ninth of the time then goes into switching, when every model has work."""


LEFT_TO_ANOTHER_S = 0.5
"""How long a model waits for the idle host that holds it before another host loads it too."""

_FORGETTING_S = 60.0


@dataclass(frozen=True, slots=True)
class Resident:
    """A model in memory: bytes, for how many seconds nobody used it, and what loading it again would take.

    One that is `kept` (in use, or pinned) is never unloaded; for one that is `wanted` requests wait.
    """

    model: ModelName
    memory_bytes: int
    idle_s: float
    load_s: float = 1.0
    wanted: bool = False
    kept: bool = False

    @property
    def worth(self) -> float:
        """Return the seconds its eviction would cost: its load, times how likely it is used again soon."""
        return self.load_s * (1.0 if self.wanted else 1.0 / (1.0 + self.idle_s / _FORGETTING_S) / 2)


@dataclass(frozen=True, slots=True)
class Candidate:
    """What serving a model would take on a host: the seconds of its load, 0 when it is there already, and its rate.

    `tokens_per_s` is 0 before it was measured. `elsewhere` says that an idle host holds it.
    """

    load_s: float = 0.0
    tokens_per_s: float = 0.0
    elsewhere: bool = False


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
        """Say whether no other model's request came earlier, or it is the first request."""
        return rival is None or turn.claimed_s == 0 or arrived <= rival.head


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

    Drain and load both count, and it is never taken for less than the loads alone.
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

    def loaded(self, seconds: float) -> None:
        """Take in how long a load took."""
        self._load_s += self._weight * (seconds - self._load_s)

    def measured(self, seconds: float) -> None:
        """Take a measurement in."""
        self._mean_s += self._weight * (seconds - self._mean_s)

    def quantum_s(self, switches: float = TURN_IN_SWITCHES) -> float:
        """Return how much work a turn may claim while others wait."""
        return switches * self.seconds


class LowestRate:
    """The least work a model was seen to do in a second.

    Follows a slower turn down, by half at most, as one stall says little; and recovers by a tenth a turn.
    """

    def __init__(self) -> None:
        """Begin with nothing measured."""
        self.tokens_per_s = 0.0

    def measured(self, work_tokens: float, seconds: float) -> None:
        """Take in what was done in a turn."""
        if work_tokens <= 0 or seconds <= 0:
            return
        rate, known = work_tokens / seconds, self.tokens_per_s
        self.tokens_per_s = rate if known == 0 else min(max(rate, known / 2), known * 1.1)


def next_model(waiting: Iterable[Waiting], policy: Policy) -> ModelName | None:
    """Return the model to serve next, or nothing when none waits; names decide between equals."""
    chosen = min(waiting, key=lambda entry: (policy.rank(entry), entry.model), default=None)
    return None if chosen is None else chosen.model


def choose(backlog: Iterable[Backlog], candidates: Mapping[ModelName, Candidate], policy: Policy) -> ModelName | None:
    """Return the model a free host serves next, or nothing when none of its `candidates` is worth a turn.

    A model that nobody serves comes first. One that another host serves gets this one too when what waits would take
    the hosts it has longer than loading it here.
    """
    free: list[Waiting] = []
    crowded: list[Waiting] = []
    for entry in backlog:
        candidate = candidates.get(entry.model)
        if candidate is None or entry.waiting == 0:
            continue
        if entry.granted:
            if _worth_another(entry, candidate):
                crowded.append(waiting_of(entry))
        elif not candidate.elsewhere or entry.since_s >= LEFT_TO_ANOTHER_S:
            free.append(waiting_of(entry))
    return next_model(free or crowded, policy)


def waiting_of(entry: Backlog) -> Waiting:
    """Return a backlog as policies compare it, on a clock that stands at zero now."""
    return Waiting(entry.model, -entry.since_s, -entry.oldest_s)


def _worth_another(entry: Backlog, candidate: Candidate) -> bool:
    if candidate.tokens_per_s == 0:
        return False
    return entry.work_tokens / candidate.tokens_per_s / len(entry.granted) > candidate.load_s


def evictions(resident: Collection[Resident], wanted_bytes: int, budget_bytes: int) -> Sequence[ModelName] | None:
    """Return which models to unload so that `wanted_bytes` fit, the least worth first; nothing when they cannot now.

    Inspired by GreedyDual (Young 1994): what counts is the cost of bringing a model back, not only how old its last
    use is.
    """
    excess = sum(entry.memory_bytes for entry in resident) + wanted_bytes - budget_bytes
    unloaded: list[ModelName] = []
    for entry in sorted(resident, key=lambda entry: (entry.worth, -entry.idle_s, entry.model)):
        if excess <= 0:
            break
        if not entry.kept:
            unloaded.append(entry.model)
            excess -= entry.memory_bytes
    return unloaded if excess <= 0 else None
