"""The metered pass-through behind `expert/<name>`: one hold, one call, one settlement, and no graph."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from agents.admission import Desk, run_budget, wall_seconds
from agents.convening import Asked
from core.budgets import Budget
from core.calls import Call
from core.clock import Clock
from core.ids import ExpertName
from core.messages import Piece, Reply, Role
from core.ports import Gateway
from core.purse import Purse

_NO_POOL = Budget()


class PassThrough:
    """Calls one expert on behalf of a key."""

    def __init__(self, gateway: Gateway, desk: Desk, clock: Clock) -> None:
        """Call through `gateway`, admit at `desk`."""
        self._gateway = gateway
        self._desk = desk
        self._clock = clock

    async def stream(self, asked: Asked, expert: ExpertName) -> AsyncGenerator[Piece, None]:
        """Yield the expert's pieces; what was used is settled even when the caller leaves."""
        call, seconds = self._call(asked, expert)
        admission = await self._desk.admit(asked.key, self._gateway.ceiling(call), seconds)
        try:
            async with aclosing(self._gateway.stream(call)) as pieces:
                async for piece in pieces:
                    yield piece
        finally:
            await admission.settle(call.purse.spent)

    async def whole(self, asked: Asked, expert: ExpertName) -> Reply:
        """Return the expert's whole reply."""
        call, seconds = self._call(asked, expert)
        admission = await self._desk.admit(asked.key, self._gateway.ceiling(call), seconds)
        try:
            return await self._gateway.complete(call)
        finally:
            await admission.settle(call.purse.spent)

    def _call(self, asked: Asked, expert: ExpertName) -> tuple[Call, float]:
        query = asked.query
        budget = run_budget(query, _NO_POOL)
        call = Call(
            expert=expert,
            messages=query.messages,
            purse=Purse(budget, self._clock),
            run_id=asked.run_id,
            key_id=asked.key.id if asked.key else None,
            sampling=query.sampling,
            response_format=query.response_format,
            constraints=query.constraints,
            tools=query.tools,
            tool_choice=query.tool_choice,
            batch=query.batch,
            persona=asked.persona and not any(m.role in (Role.SYSTEM, Role.DEVELOPER) for m in query.messages),
        )
        return call, wall_seconds(query, budget)
