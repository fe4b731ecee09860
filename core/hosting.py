"""What passes between callers and hosts of local models: requests, result frames, leases, and what hosts tell."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from core.ids import HostId, ModelName, RequestId


@dataclass(frozen=True, slots=True)
class HostedRequest:
    """A generation wanted from a hosted model.

    `body` is a chat-completion request as JSON text in the OpenAI shape, with everything settled (`messages`,
    `max_tokens`, `temperature`, `response_format`, ...). `caller` is whose fair share it uses. `total_s` is how long
    it may take from submission. `work_tokens` bounds its work, as `work_of` counts it.
    """

    id: RequestId
    model: ModelName
    body: str
    caller: str
    total_s: float
    work_tokens: int
    batch: bool = False

    def __post_init__(self) -> None:
        """Refuse a request that takes nothing: it would never use up its caller's turn."""
        if self.work_tokens < 1:
            raise ValueError(f"a request of {self.work_tokens} tokens of work")


PROMPT_PARTS = 4
"""So many tokens of a prompt are read in the time one is generated, at least: engines read a prompt in batches."""


def work_of(input_tokens: int, output_tokens: int) -> int:
    """Return the work of a request in generated tokens; at least one."""
    return max(1, output_tokens + -(-input_tokens // PROMPT_PARTS))


class FrameKind(StrEnum):
    """What a frame carries; `END` and `ERROR` are the last of a result."""

    TEXT = "text"
    TOOL = "tool"
    END = "end"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Frame:
    """One part of a result, numbered from 1. `data` is text for TEXT, and JSON text otherwise.

    TOOL: `{"index", "id"?, "name"?, "arguments"}`. END: `{"finish", "input_tokens", "output_tokens", "cached_tokens",
    "waited_s"}`. ERROR: `{"code", "message", "retryable"}` with a code of `core.errors`.
    """

    seq: int
    kind: FrameKind
    data: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A request a host serves now: writes count only while `fence` is the newest for the request.

    `waited_s` is how long it had waited when it was claimed.
    """

    request: HostedRequest
    fence: int
    attempt: int
    waited_s: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class Grant:
    """The right of one host to serve one model for a turn, as long as it is renewed. `fence` tells turns apart."""

    model: ModelName
    host: HostId
    fence: int


@dataclass(frozen=True, slots=True)
class Terms:
    """When a turn claims no more: the rule of a policy of `core.scheduling`, by name.

    `quantum_tokens` is the work a turn may claim while others wait, nothing when that is not known yet. `rivals` are
    the models whose waiting ends a turn: those the host may serve.
    """

    policy: str = "turns"
    quantum_tokens: int | None = None
    rivals: frozenset[ModelName] = frozenset()


EVERYTHING = Terms("collate")
"""Claims until nothing waits."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a host may serve now; `over` says that its turn claims no more."""

    taken: tuple[Claim, ...]
    over: bool


@dataclass(frozen=True, slots=True)
class Renewal:
    """What became of a turn's leases: requests to stop serving, and whether the grant still stands."""

    stop: frozenset[RequestId]
    stands: bool


class Standing(StrEnum):
    """Where a request stands, as its caller can learn."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    DONE = "done"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Backlog:
    """Waiting requests of one model, in seconds before now.

    `oldest_s` is how long the first has waited, `since_s` the age of the model's turn clock (when its mailbox became
    non-empty, or when its last turn ended if that was later). `work_tokens` is what all that waits takes at most, and
    `granted` the hosts that serve the model now.
    """

    model: ModelName
    waiting: int
    oldest_s: float
    since_s: float = 0.0
    work_tokens: int = 0
    granted: tuple[HostId, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The mailboxes at one moment; `version` changes with every grant that is given, ends or lapses."""

    version: int
    backlog: tuple[Backlog, ...]


class Phase(StrEnum):
    """How far a model is on a host. One that a host may serve and does not name is not loaded there."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Residence:
    """A model on a host: bytes, what its last load took, and the least work it did in a second (0 before measured).

    `idle_s` is for how long nobody used it. A pinned model is not unloaded to make room or for being idle. `reason`
    says why it failed.
    """

    model: ModelName
    phase: Phase
    memory_bytes: int = 0
    load_s: float = 0.0
    tokens_per_s: float = 0.0
    idle_s: float = 0.0
    pinned: bool = False
    reason: str = ""


WAIT_BOUNDS_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Upper bounds of the buckets in which hosts count how long requests waited; one more bucket holds the rest."""


@dataclass(frozen=True, slots=True)
class HostCounts:
    """What a host did since it started; each only grows.

    `ahead` counts models loaded while another was served, `ahead_used` those that then had a turn, and `ahead_wasted`
    those that were unloaded without one. `waits` counts claims by how long the request had waited.
    """

    loads: int = 0
    load_failures: int = 0
    load_seconds: float = 0.0
    evictions: int = 0
    ahead: int = 0
    ahead_used: int = 0
    ahead_wasted: int = 0
    turns: int = 0
    turn_seconds: float = 0.0
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    wait_seconds: float = 0.0
    waits: tuple[int, ...] = (0,) * (len(WAIT_BOUNDS_S) + 1)


@dataclass(frozen=True, slots=True)
class HostState:
    """What a host says of itself at each beat, memory in bytes.

    `models` are those it may serve, `resident` those in memory and ready. `progress_s` is the age of its last sign of
    work while it serves: a token, or a part of a prompt read; `turn_s` for how long its turn lasts.
    """

    id: HostId
    queue: str
    memory_budget: int
    memory_used: int
    resident: tuple[ModelName, ...] = ()
    serving: ModelName | None = None
    slots_busy: int = 0
    progress_s: float = 0.0
    models: frozenset[ModelName] = field(default_factory=frozenset)
    draining: bool = False
    turn_s: float = 0.0
    slots: int = 0
    residences: tuple[Residence, ...] = ()
    rates: tuple[tuple[ModelName, float], ...] = ()
    counts: HostCounts = HostCounts()


class OrderKind(StrEnum):
    """What an operator may ask of a host."""

    LOAD = "load"
    UNLOAD = "unload"
    PIN = "pin"
    UNPIN = "unpin"
    DRAIN = "drain"


@dataclass(frozen=True, slots=True)
class Order:
    """Something a host is to do; `model` is nothing for a drain."""

    kind: OrderKind
    model: ModelName | None = None
