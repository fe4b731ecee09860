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
    it may take from submission. `work_tokens` bounds prompt and reply together.
    """

    id: RequestId
    model: ModelName
    body: str
    caller: str
    total_s: float
    work_tokens: int
    batch: bool = False


class FrameKind(StrEnum):
    """What a frame carries; `END` and `ERROR` are the last of a result."""

    TEXT = "text"
    TOOL = "tool"
    END = "end"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Frame:
    """One part of a result, numbered from 1. `data` is text for TEXT, and JSON text otherwise.

    TOOL: `{"index", "id"?, "name"?, "arguments"}`. END: `{"finish", "input_tokens", "output_tokens", "cached_tokens"}`.
    ERROR: `{"code", "message", "retryable"}` with a code of `core.errors`.
    """

    seq: int
    kind: FrameKind
    data: str


@dataclass(frozen=True, slots=True)
class Claim:
    """A request a host serves now: writes count only while `fence` is the newest for the request."""

    request: HostedRequest
    fence: int
    attempt: int


class Standing(StrEnum):
    """Where a request stands, as its caller can learn."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    DONE = "done"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Backlog:
    """Waiting requests of one model; `oldest_s` is how long the first has waited."""

    model: ModelName
    waiting: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class HostState:
    """What a host says of itself at each beat, memory in bytes; `progress_s` is the age of its last token."""

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
