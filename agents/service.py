"""The convener of one process: the pass-through, and the graph, built late: LangGraph takes 1.6 s to import."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from agents.admission import Desk
from agents.convening import Asked
from agents.passthrough import PassThrough
from agents.recording import Keeper
from agents.shadowing import Shadowing
from core.answers import Answer
from core.clock import Clock
from core.events import Event
from core.experts import ExpertSpec
from core.ids import ExpertName
from core.messages import Piece, Reply
from core.pools import PoolSpec
from core.ports import Gateway, Ledger, Recruiter, RunLog

if TYPE_CHECKING:
    from agents.orchestrator.running import Orchestrator


class ConveningService:
    """Convenes pools and passes calls through; implements `agents.convening.Convener`."""

    def __init__(
        self,
        *,
        gateway: Gateway,
        recruiter: Recruiter,
        ledger: Ledger,
        runs: RunLog,
        experts: dict[ExpertName, ExpertSpec],
        clock: Clock,
        keep_words: bool,
        shadowing: Shadowing | None = None,
    ) -> None:
        """Work with these ports; `keep_words` says whether run records keep what was said.

        Without `shadowing` no answer is followed by a shadow.
        """
        self._gateway = gateway
        self._recruiter = recruiter
        self._experts = experts
        self._clock = clock
        self._desk = Desk(ledger)
        self._keeper = Keeper(runs, keep_words=keep_words)
        self._through = PassThrough(gateway, self._desk, clock)
        self._shadowing = shadowing
        self._orchestrator: Orchestrator | None = None
        self._building = asyncio.Lock()

    async def convene(self, asked: Asked, pool: PoolSpec) -> AsyncGenerator[Event | Answer, None]:
        """Yield the run's events as they happen, then the answer; raises a `ConclaveError`."""
        orchestrator = self._orchestrator or await self.warm()
        answer: Answer | None = None
        try:
            async with aclosing(orchestrator.convene(asked, pool)) as items:
                async for item in items:
                    answer = item if isinstance(item, Answer) else None
                    yield item
        finally:
            # Not before the caller has taken the answer and let go: a shadow must not slow it.
            if answer is not None and self._shadowing is not None:
                self._shadowing.follow_soon(asked, pool, answer)

    def pass_through(self, asked: Asked, expert: ExpertName) -> AsyncGenerator[Piece, None]:
        """Yield one expert's pieces, metered; the last is a `FinishPiece`."""
        return self._through.stream(asked, expert)

    async def pass_through_whole(self, asked: Asked, expert: ExpertName) -> Reply:
        """Return one expert's whole reply, metered."""
        return await self._through.whole(asked, expert)

    async def warm(self) -> Orchestrator:
        """Build the graph if it is not built yet, importing LangGraph outside the event loop."""
        async with self._building:
            if self._orchestrator is None:
                self._orchestrator = await asyncio.to_thread(self._build)
            return self._orchestrator

    async def aclose(self) -> None:
        """End the shadows under way, and wait for the records still being written."""
        if self._shadowing is not None:
            await self._shadowing.aclose()
        await self._keeper.aclose()

    def _build(self) -> Orchestrator:
        from agents.orchestrator.graph import build_graph
        from agents.orchestrator.nodes import Nodes
        from agents.orchestrator.running import Orchestrator

        nodes = Nodes(self._gateway, self._recruiter, self._desk, self._experts, self._clock)
        return Orchestrator(build_graph(nodes), self._keeper, self._clock)
