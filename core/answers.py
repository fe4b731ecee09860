"""The answer: what the caller gets, with what led to it."""

from __future__ import annotations

from dataclasses import dataclass

from core.budgets import Spend
from core.decision import Decision
from core.ids import RunId
from core.messages import Finish, ToolCall
from core.thoughts import Thought
from core.usage import Usage


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to one query. `stop_reason` says why thinking ended (`confident`, `aggregated`, `budget`, ...)."""

    run_id: RunId
    text: str
    thoughts: tuple[Thought, ...]
    usage: Usage
    spend: Spend
    stop_reason: str
    decision: Decision | None = None
    aggregation: str = "none"
    finish: Finish = Finish.STOP
    tool_calls: tuple[ToolCall, ...] = ()
    confidence: float = 0.0
    latency_s: float = 0.0
