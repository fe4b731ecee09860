"""Noticing that the caller left: what is done for a caller who is gone is cancelled at once."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive


class CancelledWhenCallerLeaves:
    """An async block that is cancelled when the connection closes, and then ends quietly with `left` set.

    To be entered after the body was read: from then on the server tells only of the disconnect.
    """

    def __init__(self, receive: Receive) -> None:
        """Watch the connection behind `receive`."""
        self.left = False
        self._receive = receive
        self._over = False
        self._task: asyncio.Task[object] | None = None
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        self._watch = asyncio.create_task(self._wait())
        self._watch.add_done_callback(self._gone)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._over = True
        if self._watch is not None:
            self._watch.cancel()
        if self.left and self._task is not None:
            self._task.uncancel()
            return kind is asyncio.CancelledError
        return False

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    def _gone(self, watch: asyncio.Task[None]) -> None:
        if not self._over and not watch.cancelled() and self._task is not None:
            self.left = True
            self._task.cancel()
