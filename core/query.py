"""A query: the conversation, what the answer must obey, and what it may cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.budgets import Budget
from core.experts import ExpertSpec
from core.ids import ExpertName
from core.messages import Json, Message, ResponseFormat, Sampling, ToolSpec, last_user_text


@dataclass(frozen=True, slots=True)
class Constraints:
    """What an expert must meet to be considered."""

    needs: frozenset[str] = frozenset()
    regions: frozenset[str] | None = None
    no_training: bool = False
    local_only: bool = False
    exclude: frozenset[ExpertName] = frozenset()

    def forbid(self, expert: ExpertSpec) -> str | None:
        """Return why the words may not be shown to `expert`, or nothing when they may; holds for fallbacks too."""
        if expert.name in self.exclude:
            return "excluded by the request"
        if expert.local:
            return None
        if self.local_only:
            return "not local: the words would leave this installation"
        if self.no_training and expert.data.may_train:
            return "its provider may train on what it is sent"
        if self.regions is not None and expert.data.region not in self.regions:
            return f"data region {expert.data.region or 'unknown'} is not {' or '.join(sorted(self.regions))}"
        return None


@dataclass(frozen=True, slots=True)
class Query:
    """One question put to a pool. One of a `batch` lets interactive callers go first, and has time."""

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    response_format: ResponseFormat = ResponseFormat()
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: Mapping[str, Json] | str | None = None
    constraints: Constraints = Constraints()
    budget: Budget = Budget()
    k: int | None = None
    strategy: str | None = None
    seed: int | None = None
    session: str | None = None
    batch: bool = False

    @property
    def text(self) -> str:
        """Return the newest user message's text."""
        return last_user_text(self.messages)
