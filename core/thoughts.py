"""A thought: one expert's reasoning and answer, and what it took."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.ids import ExpertName
from core.messages import Finish, ToolCall
from core.money import FREE, Micros
from core.usage import Usage


class Part(StrEnum):
    """What an expert was asked for: its own answer, or to put those of others together."""

    PANEL = "panel"
    AGGREGATOR = "aggregator"


@dataclass(frozen=True, slots=True)
class Thought:
    """What one expert said. `expert` is who was asked, `served_by` who answered after fallbacks.

    `answer` is the short answer found in `text`, and `comparable`; or all of it, which is not. `confidence` is in
    0..1. A thought with `declined` or `error` set has no say in the answer.
    """

    expert: ExpertName
    text: str
    answer: str
    confidence: float
    usage: Usage
    cost: Micros = FREE
    latency_s: float = 0.0
    finish: Finish = Finish.STOP
    declined: str | None = None
    error: str | None = None
    served_by: ExpertName | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    role: Part = Part.PANEL
    comparable: bool = False

    @property
    def counts(self) -> bool:
        """Whether the thought may take part in the answer."""
        return self.declined is None and self.error is None
