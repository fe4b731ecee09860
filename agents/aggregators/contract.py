"""The contract every aggregator keeps."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Protocol

from core.decision import Ballot
from core.ids import ExpertName, KeyId, RunId
from core.purse import Purse
from core.query import Query
from core.thoughts import Thought


@dataclass(frozen=True, slots=True)
class Table:
    """What lies before an aggregator: the query, two or more thoughts that count, and what is expected of each expert.

    `quality` is the expected rate of being right, in 0..1. `ballots` are the answers with their chances, where these
    were weighed already. `chair` is the expert chosen to synthesise.
    """

    query: Query
    thoughts: tuple[Thought, ...]
    quality: Mapping[ExpertName, float]
    ballots: tuple[Ballot, ...]
    chair: ExpertName | None
    purse: Purse
    run_id: RunId
    key_id: KeyId | None
    pool: str


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer put together. `how` names what did it; `extra` is the chair's own thought, when one was needed."""

    text: str
    confidence: float
    how: str
    extra: Thought | None = None


class Aggregator(Protocol):
    """Turns thoughts into a draft."""

    def combine(self, table: Table) -> AsyncGenerator[str | Draft, None]:
        """Yield the answer's text as it comes, if it comes in parts, then the draft as the last item."""
        ...
