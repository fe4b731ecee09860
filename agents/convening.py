"""What an entry point asks of this room: convene a pool over a query, or pass a query straight to one expert."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from core.answers import Answer
from core.events import Event
from core.ids import ExpertName, RunId
from core.keys import ApiKey
from core.messages import Piece, Reply
from core.pools import PoolSpec
from core.query import Query


@dataclass(frozen=True, slots=True)
class Asked:
    """One request to be admitted: its id, what is asked, and the key that pays; no key is the operator himself.

    Passed through without `persona`, the expert's system prompt is left out.
    """

    run_id: RunId
    query: Query
    key: ApiKey | None = None
    persona: bool = True


class Convener(Protocol):
    """Convenes experts. Closing an iterator early cancels everything it started and settles what was used."""

    def convene(self, asked: Asked, pool: PoolSpec) -> AsyncGenerator[Event | Answer, None]:
        """Yield the run's events as they happen, then the answer as the last item; raises a `ConclaveError`.

        An `answer.delta` event carries `text`, or `tool_call` with `index`, `id`, `name` and `arguments`.
        """
        ...

    def pass_through(self, asked: Asked, expert: ExpertName) -> AsyncGenerator[Piece, None]:
        """Yield one expert's pieces, metered, without a graph; the last is a `FinishPiece`."""
        ...

    async def pass_through_whole(self, asked: Asked, expert: ExpertName) -> Reply:
        """Return one expert's whole reply, metered, without a graph and, where it can be, without a stream."""
        ...
