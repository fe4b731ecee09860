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
    """What an expert must meet to be considered.

    `regions` are the only ones words may go to, nothing for all of them; the fields named `without` are what the
    request opts out of: experts by region, family or data-use tag. `exclude` names experts.
    """

    needs: frozenset[str] = frozenset()
    regions: frozenset[str] | None = None
    no_training: bool = False
    local_only: bool = False
    exclude: frozenset[ExpertName] = frozenset()
    without_regions: frozenset[str] = frozenset()
    without_families: frozenset[str] = frozenset()
    without_tags: frozenset[str] = frozenset()

    def forbid(self, expert: ExpertSpec) -> str | None:
        """Return why the words may not be shown to `expert`, or nothing when they may; holds for fallbacks too."""
        return self._opted_out(expert) or (None if expert.local else self._sent_away(expert))

    def _opted_out(self, expert: ExpertSpec) -> str | None:
        if expert.name in self.exclude:
            return "excluded by the request"
        if expert.family in self.without_families:
            return f"of the family {expert.family}, excluded by the request"
        tagged = sorted(self.without_tags & expert.data.tags)
        return f"tagged {' and '.join(tagged)}, excluded by the request" if tagged else None

    def _sent_away(self, expert: ExpertSpec) -> str | None:
        if self.local_only:
            return "not local: the words would leave this installation"
        if self.no_training and expert.data.may_train:
            return "its provider may train on what it is sent"
        if expert.data.region in self.without_regions:
            return f"data region {expert.data.region}, excluded by the request"
        if self.regions is not None and expert.data.region not in self.regions:
            return f"data region {expert.data.region or 'unknown'} is not {' or '.join(sorted(self.regions))}"
        return None


@dataclass(frozen=True, slots=True)
class Query:
    """One question put to a pool. One of a `batch` lets interactive callers go first, and has time.

    `session` names the conversation it belongs to, and tells callers apart.
    """

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
