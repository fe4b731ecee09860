"""Driving a batch: many runs at once, each a line of the gate they share, and their outcomes as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from agents.convening import Asked, Convener
from core.answers import Answer
from core.clock import Clock
from core.errors import ConclaveError, InternalError
from core.events import Event, EventKind
from core.ids import ExpertName, RunId
from core.messages import Reply
from core.money import FREE, Micros, from_usd
from core.pools import PoolSpec

_OUTCOMES_AT_ONCE = 64
_ENDS = frozenset({EventKind.RUN_SETTLED, EventKind.RUN_FAILED})


@dataclass(frozen=True, slots=True)
class BatchItem:
    """What one line asks, and of whom: a pool, or one expert."""

    asked: Asked
    target: PoolSpec | ExpertName


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an item. `spent` holds also for a pool that failed; what one expert that failed used is not known.

    `latency_s` is from the moment the line was begun, its waits for models included.
    """

    result: Answer | Reply | ConclaveError
    spent: Micros
    latency_s: float


class Gate(Protocol):
    """What makes the lines of a batch wait for one another."""

    def line(self, run_id: RunId) -> AbstractAsyncContextManager[None]:
        """Count a run as one of those waited for, while the context lasts."""
        ...


class Asking(Protocol):
    """Anything that holds an item."""

    @property
    def item(self) -> BatchItem:
        """Return what is asked."""
        ...


Line = TypeVar("Line", bound=Asking)


class Batch(Generic[Line]):
    """One batch under way. Every line is an ordinary run, marked as one of a batch."""

    def __init__(self, convener: Convener, gate: Gate, clock: Clock, at_once: int) -> None:
        """Have `convener`, whose gateway stands behind `gate`, answer up to `at_once` lines at a time."""
        self._convener = convener
        self._gate = gate
        self._clock = clock
        self._at_once = at_once

    async def run(self, lines: Iterable[Line]) -> AsyncGenerator[tuple[Line, Outcome], None]:
        """Yield every line with what came of it, in the order they end. Closing it cancels what is under way.

        Lines are taken as they can be begun, and none ends while 64 outcomes wait for a slow reader.
        """
        ended: asyncio.Queue[tuple[Line, Outcome]] = asyncio.Queue(_OUTCOMES_AT_ONCE)
        driving = asyncio.create_task(self._drive(iter(lines), ended))
        try:
            while not (driving.done() and ended.empty()):
                getting = asyncio.create_task(ended.get())
                try:
                    await asyncio.wait((getting, driving), return_when=asyncio.FIRST_COMPLETED)
                    if getting.done():
                        yield getting.result()
                finally:
                    getting.cancel()
            await driving
        finally:
            driving.cancel()
            await asyncio.gather(driving, return_exceptions=True)

    async def _drive(self, lines: Iterator[Line], ended: asyncio.Queue[tuple[Line, Outcome]]) -> None:
        async def one_after_another() -> None:
            for line in lines:
                async with self._gate.line(line.item.asked.run_id):
                    outcome = await self._outcome(line.item)
                await ended.put((line, outcome))

        async with asyncio.TaskGroup() as group:
            for _ in range(self._at_once):
                group.create_task(one_after_another())

    async def _outcome(self, item: BatchItem) -> Outcome:
        asked = replace(item.asked, query=replace(item.asked.query, batch=True))
        began = self._clock.monotonic()
        spent = FREE
        result: Answer | Reply | ConclaveError
        try:
            if isinstance(item.target, PoolSpec):
                result = InternalError("a run ended with neither an answer nor an error")
                async with aclosing(self._convener.convene(asked, item.target)) as told:
                    async for one in told:
                        if isinstance(one, Answer):
                            result = one
                        elif one.kind in _ENDS:
                            spent = _spent(one)
            else:
                result = await self._convener.pass_through_whole(asked, item.target)
                spent = result.cost
        except ConclaveError as error:
            result = error
        return Outcome(result, spent, self._clock.monotonic() - began)


def _spent(event: Event) -> Micros:
    spend = event.data["spend"]
    return from_usd(float(spend["usd"])) if isinstance(spend, dict) else FREE
