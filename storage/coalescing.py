"""Turns many small writes asked for at the same time into one round trip.

While a batch is under way the next one gathers; an idle coalescer starts at the end of the present turn of the event
loop. So one caller waits for nobody, and a hundred share the cost of one. What nobody waits for may ride along with the
next write for a few milliseconds: a settlement with the next reservation.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from core.errors import Overloaded

_PATIENCE_S = 0.004

Item = TypeVar("Item")
Result = TypeVar("Result")


class Coalescer(Generic[Item, Result]):
    """Batches items in order through `commit`, which answers each with a result or an exception."""

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Awaitable[Sequence[Result | BaseException]]],
        *,
        most: int = 256,
        waiting: int = 10_000,
        lost: Callable[[Sequence[BaseException]], None] | None = None,
    ) -> None:
        """Commit at most `most` items at once; refuse items when `waiting` of them wait already.

        `lost` hears of what went wrong with items that were left, a batch at a time.
        """
        self._commit = commit
        self._most = most
        self._waiting = waiting
        self._lost = lost
        self._queue: deque[tuple[Item, asyncio.Future[Result] | None]] = deque()
        self._worker: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._taken = 0
        self._done = 0
        self._drains: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def submit(self, item: Item) -> Result:
        """Return the result of `item`; raises what the commit answered, or `Overloaded` when too many wait."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._add(item, future)
        self._begin()
        return await future

    def leave(self, item: Item) -> None:
        """Take `item` without telling its result; raises `Overloaded` when too many wait.

        It is committed with the next batch, at the latest four milliseconds from now.
        """
        self._add(item, None)
        if self._worker is None and self._later is None:
            self._later = asyncio.get_running_loop().call_later(_PATIENCE_S, self._begin)

    async def drain(self) -> None:
        """Return once every item taken so far was committed or failed."""
        if self._done < self._taken:
            self._begin()
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._drains.append((self._taken, future))
            await future

    def _add(self, item: Item, future: asyncio.Future[Result] | None) -> None:
        if len(self._queue) >= self._waiting:
            raise Overloaded("too many writes are waiting; try again shortly", retry_after_s=1.0)
        self._queue.append((item, future))
        self._taken += 1

    def _begin(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._queue:
                batch = [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]
                answers = await self._answers([item for item, _ in batch])
                self._tell([future for _, future in batch], answers)
                self._done += len(batch)
                while self._drains and self._drains[0][0] <= self._done:
                    _resolve(self._drains.popleft()[1], None)
        finally:
            self._worker = None

    async def _answers(self, items: Sequence[Item]) -> Sequence[Result | BaseException]:
        try:
            return await self._commit(items)
        except Exception as error:  # noqa: BLE001  # whatever went wrong belongs to those who wait for it
            return [error] * len(items)

    def _tell(
        self, futures: Sequence[asyncio.Future[Result] | None], answers: Sequence[Result | BaseException]
    ) -> None:
        unheard: list[BaseException] = []
        for future, answer in zip(futures, answers, strict=True):
            if future is not None:
                _resolve(future, answer)
            elif isinstance(answer, BaseException):
                unheard.append(answer)
        if unheard and self._lost is not None:
            self._lost(unheard)


def _resolve(future: asyncio.Future[Result], answer: Result | BaseException) -> None:
    if future.done():
        return
    if isinstance(answer, BaseException):
        future.set_exception(answer)
    else:
        future.set_result(answer)
