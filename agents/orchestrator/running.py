"""Driving the graph for one run: its story streams while it goes; its hold is settled however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from datetime import timedelta

import structlog
from langgraph.graph.state import CompiledStateGraph

from agents.admission import run_budget, wall_seconds
from agents.convening import Asked
from agents.orchestrator.state import Context, State
from agents.recording import Keeper, Story
from core.answers import Answer
from core.clock import Clock
from core.errors import ConclaveError, DeadlineExceeded, InternalError, origin_of
from core.events import Event, EventKind
from core.pools import PoolSpec
from core.purse import Purse
from core.rendering import JsonObject, spend_json
from core.runs import Run, RunState

_log = structlog.get_logger(__name__)
_GRACE_S = 5.0
# Settling and recording have their own deadlines, well below this.
_ENDING_S = 60.0
_LAST_EVENT = {
    RunState.SUCCEEDED: EventKind.RUN_SETTLED,
    RunState.FAILED: EventKind.RUN_FAILED,
    RunState.CANCELLED: EventKind.RUN_CANCELLED,
}


class Orchestrator:
    """Runs the graph in the caller's event loop."""

    def __init__(self, graph: CompiledStateGraph[State, Context, State, State], keeper: Keeper, clock: Clock) -> None:
        """Have `keeper` record every run."""
        self._graph = graph
        self._keeper = keeper
        self._clock = clock

    async def convene(self, asked: Asked, pool: PoolSpec) -> AsyncGenerator[Event | Answer, None]:
        """Yield the run's events as they happen, then the answer; raises a `ConclaveError`."""
        purse = Purse(run_budget(asked.query, pool.budget), self._clock)
        now = self._clock.now()
        run = Run(
            id=asked.run_id,
            key_id=asked.key.id if asked.key else None,
            target=pool.name,
            state=RunState.RUNNING,
            started_at=now,
            over_by=now + timedelta(seconds=wall_seconds(asked.query, purse.budget) + _GRACE_S + _ENDING_S),
        )
        story = Story(run, self._keeper, self._clock)
        driving = asyncio.create_task(self._drive(Context(asked, pool, purse, story)))
        try:
            async for item in story.watch():
                yield item
        finally:
            story.desert()
            driving.cancel()
            await asyncio.gather(driving, return_exceptions=True)

    async def aclose(self) -> None:
        """Wait for the records still being written."""
        await self._keeper.aclose()

    async def _drive(self, run: Context) -> None:
        state = RunState.CANCELLED
        error: ConclaveError | None = None
        answer: Answer | None = None
        try:
            async with asyncio.timeout(wall_seconds(run.asked.query, run.purse.budget) + _GRACE_S):
                answer = (await self._graph.ainvoke({}, context=run))["answer"]
            state = RunState.SUCCEEDED
        except ConclaveError as failure:
            state, error = RunState.FAILED, failure
        except TimeoutError:
            state, error = RunState.FAILED, DeadlineExceeded("no answer within the budget's seconds; allow more")
        except Exception as defect:  # noqa: BLE001  # the one place where a defect of a run becomes a typed error
            # Not its message: a foreign exception may quote the question.
            _log.error("run.defect", run_id=run.asked.run_id, error=type(defect).__name__, where=origin_of(defect))
            state, error = RunState.FAILED, InternalError("the run failed by a defect of ours; report the request id")
        finally:
            await asyncio.shield(self._end(run, state, error))
        end = error or answer
        if end is not None:
            await run.story.conclude(end)

    async def _end(self, run: Context, state: RunState, error: ConclaveError | None) -> None:
        spent = run.purse.spent
        if run.admission is not None:
            await run.admission.settle(spent)
        code = error.error_code if error else None
        run.story.run = replace(run.story.run, state=state, finished_at=self._clock.now(), spend=spent, error_code=code)
        told: JsonObject = {"spend": spend_json(spent), **({"code": code} if code else {})}
        await run.story.tell(_LAST_EVENT[state], told)
        run.story.save_soon()
