"""Deadlines round every wait of one call: first token, idle and total. One timer a call, not one a token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

from core.calls import Deadlines
from core.errors import DeadlineExceeded
from core.messages import Piece

Result = TypeVar("Result")

FIRST_TOKEN = "first_token_deadline"  # noqa: S105  # the name of a deadline, not a password
IDLE = "idle_deadline"
TOTAL = "total_deadline"


class Watch:
    """Watches the waits of one call. Time in which nobody waits, because the reader is slow, counts as total time only.

    The timer is left alone as pieces come and looks at the newest deadline only when it goes off: `asyncio.wait_for`
    on every token costs ten times as much.
    """

    def __init__(self, deadlines: Deadlines, total_s: float) -> None:
        """Start now; `total_s` bounds the whole call, whatever `deadlines` say."""
        self._loop = asyncio.get_running_loop()
        now = self._loop.time()
        self._first_s = deadlines.first_token
        self._idle_s = deadlines.idle
        self._end = now + total_s
        self._total_s = total_s
        self._begun = False
        self._due = min(now + deadlines.first_token, self._end)
        self._armed = self._due
        self._timer = self._loop.call_at(self._due, self._look)
        self._task: asyncio.Task[Any] | None = None
        self._cancelling = 0
        self._expired = False

    async def next_of(self, pieces: AsyncIterator[Piece]) -> Piece | None:
        """Return the next piece, or nothing at the end; raises `DeadlineExceeded` with the deadline's name as code."""
        if self._begun:
            now = self._loop.time()
            if now >= self._end:
                self._due = self._end
                raise self._late()
            self._due = min(now + self._idle_s, self._end)
        piece = await self._wait(anext(pieces, None))
        if not self._begun:
            self._begun = True
            self._arm(self._loop.time() + self._idle_s)
        return piece

    async def whole(self, reply: Awaitable[Result]) -> Result:
        """Return what is awaited, bounded by the total deadline alone: a whole reply has no first token."""
        self._begun = True
        self._due = self._end
        return await self._wait(reply)

    def close(self) -> None:
        """Stop watching."""
        self._timer.cancel()

    async def _wait(self, step: Awaitable[Result]) -> Result:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a coroutine always runs in a task here
        self._cancelling = task.cancelling()
        self._task = task
        try:
            result = await step
        except BaseException:
            # A cancellation that is not ours alone must go on.
            if not self._expired or task.uncancel() > self._cancelling:
                raise
            raise self._late() from None
        finally:
            self._task = None
        if self._expired:
            task.uncancel()
            raise self._late()
        return result

    def _look(self) -> None:
        now = self._loop.time()
        if self._task is None:
            if now < self._end:
                self._timer = self._loop.call_at(min(now + self._idle_s, self._end), self._look)
        elif now < self._due:
            self._armed = self._due
            self._timer = self._loop.call_at(self._due, self._look)
        else:
            self._expired = True
            self._task.cancel()

    def _arm(self, when: float) -> None:
        if when < self._armed:
            self._timer.cancel()
            self._armed = when
            self._timer = self._loop.call_at(when, self._look)

    def _late(self) -> DeadlineExceeded:
        if self._due >= self._end:
            return DeadlineExceeded(f"the call took more than {self._total_s:g} s in total", code=TOTAL)
        if self._begun:
            return DeadlineExceeded(f"the expert fell silent for {self._idle_s:g} s", code=IDLE)
        return DeadlineExceeded(f"the expert's first token did not come within {self._first_s:g} s", code=FIRST_TOKEN)
