"""Consulting a panel: its experts think in parallel, and what they say is told as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace

from agents.listening import Listener
from agents.orchestrator.state import Context
from core.calls import Call
from core.clock import Clock
from core.decision import Seat
from core.errors import ConclaveError
from core.events import EventKind
from core.ids import ExpertName, RunId
from core.messages import Piece, TextPiece, ToolCallPiece
from core.ports import Gateway
from core.purse import Purse
from core.query import Query
from core.rendering import JsonObject, thought_json
from core.thoughts import Part, Thought

_SEED_STEP = 7919


def call_of(
    query: Query, run_id: RunId, expert: ExpertName, purse: Purse, *, number: int = 0, seconds: float | None = None
) -> Call:
    """Return the call that puts a query to an expert; `number` tells seats of one expert apart."""
    seed = query.sampling.seed if query.sampling.seed is not None else query.seed
    return Call(
        expert=expert,
        messages=query.messages,
        purse=purse,
        run_id=run_id,
        # Two seats of one expert must be two samples, not the same one twice.
        sampling=replace(query.sampling, seed=None if seed is None else seed + number * _SEED_STEP),
        response_format=query.response_format,
        constraints=query.constraints,
        tools=query.tools,
        tool_choice=query.tool_choice,
        batch=query.batch,
        seconds=seconds,
    )


class Consultation:
    """Calls every seat of a panel through the gateway."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        """Call through `gateway`."""
        self._gateway = gateway
        self._clock = clock

    async def consult(
        self, run: Context, seats: Sequence[Seat], *, alone: bool, seconds: float | None = None
    ) -> tuple[Thought, ...]:
        """Return one thought a seat, in the order of the seats; an expert's failure is a thought that does not count.

        With `alone` the only seat's words are the answer itself and are told as such; then a failure after the first
        word is raised, because what was shown cannot be taken back. No call takes longer than `seconds`.
        """
        if alone:
            return (await self._think(run, seats[0], 0, alone=True, seconds=seconds),)
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(self._think(run, seat, number, alone=False, seconds=seconds))
                for number, seat in enumerate(seats)
            ]
        return tuple(task.result() for task in tasks)

    async def _think(self, run: Context, seat: Seat, number: int, *, alone: bool, seconds: float | None) -> Thought:
        query = run.asked.query
        listener = Listener(seat.expert, self._clock)
        await run.story.tell(EventKind.EXPERT_CALLED, {"expert": seat.expert, "role": Part.PANEL.value, "seat": number})
        try:
            call = call_of(run.asked.query, run.asked.run_id, seat.expert, run.purse, number=number, seconds=seconds)
            call = replace(call, key_id=run.asked.key.id if run.asked.key else None, pool=run.pool.name)
            async with aclosing(self._gateway.stream(call)) as pieces:
                async for piece in pieces:
                    listener.hear(piece)
                    await _tell(run, seat, piece, alone=alone)
        except ConclaveError as error:
            if alone and listener.spoke:
                raise
            thought = listener.failed(query, error)
        else:
            thought = listener.thought(query)
        await run.story.tell(EventKind.EXPERT_FINISHED, {"seat": number, **thought_json(thought)})
        run.story.save_soon()
        return thought


async def _tell(run: Context, seat: Seat, piece: Piece, *, alone: bool) -> None:
    said: JsonObject
    if isinstance(piece, TextPiece):
        said = {"text": piece.text}
    elif isinstance(piece, ToolCallPiece):
        said = {"tool_call": {"index": piece.index, "id": piece.id, "name": piece.name, "arguments": piece.arguments}}
    else:
        return
    if alone:
        await run.story.tell(EventKind.ANSWER_DELTA, said)
    else:
        await run.story.tell(EventKind.EXPERT_DELTA, {"expert": seat.expert, **said})
