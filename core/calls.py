"""A call to an expert, as the gateway takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.ids import ExpertName, KeyId, RunId
from core.messages import Json, Message, ResponseFormat, Sampling, ToolSpec
from core.purse import Purse
from core.query import Constraints


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds a call may take: to connect, to its first token, between tokens, and in total."""

    connect: float = 3.0
    first_token: float = 20.0
    idle: float = 15.0
    total: float = 120.0


@dataclass(frozen=True, slots=True)
class Payer:
    """On whose account calls are made before there is a decision: the run, its purse and its key."""

    run_id: RunId
    purse: Purse
    key_id: KeyId | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One call: who, what, and the purse it is paid from.

    Without `persona` the expert's system prompt is left out. No fallback that `constraints` forbid is called. It ends
    after `seconds`, where they are given, however much more wall time the purse has.
    """

    expert: ExpertName
    messages: tuple[Message, ...]
    purse: Purse
    run_id: RunId
    key_id: KeyId | None = None
    pool: str | None = None
    sampling: Sampling = Sampling()
    response_format: ResponseFormat = ResponseFormat()
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: Mapping[str, Json] | str | None = None
    persona: bool = True
    batch: bool = False
    constraints: Constraints = Constraints()
    seconds: float | None = None

    def seconds_left(self, otherwise: float) -> float:
        """Return the wall time the call has, at most `otherwise`; raises `DeadlineExceeded` when none is left."""
        return self.purse.seconds_left(otherwise if self.seconds is None else min(otherwise, self.seconds))
