"""Server-sent events: headers when the first event is there, heartbeats in silence, a typed error event in trouble.

A caller who leaves, or who reads nothing for a minute, has everything behind the stream cancelled.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.errors import Headers, event_of, known
from api.leaving import CancelledWhenCallerLeaves
from core.errors import Unavailable

HEARTBEAT_S: Final = 15.0
STALLED_S: Final = 60.0
_STOPPING = Unavailable("the service is stopping; ask again", code="stopping")
_PING = b": ping\n\n"
_HEADERS: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class EventStream(Response):
    """A response made of whole events, each already in bytes.

    `extra_headers` may still grow until the first event; an error before it is raised, so that it gets its own status.
    """

    def __init__(
        self,
        events: AsyncGenerator[bytes, None],
        extra_headers: Headers | None = None,
        *,
        heartbeat_s: float = HEARTBEAT_S,
        stalled_s: float = STALLED_S,
    ) -> None:
        """Stream `events`; silence longer than `heartbeat_s` is filled, a write longer than `stalled_s` given up."""
        super().__init__()
        self._heartbeat_s = heartbeat_s
        self._stalled_s = stalled_s
        self._events = events
        self._extra = extra_headers if extra_headers is not None else []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events until they end or the caller leaves."""
        writer = _Writer(send, self._extra, self._heartbeat_s, self._stalled_s)
        async with CancelledWhenCallerLeaves(receive) as caller:
            writer.watch(asyncio.current_task())
            try:
                async with aclosing(self._events) as events:
                    async for event in events:
                        await writer.write(event)
            except asyncio.CancelledError:
                if caller.left or writer.stalled or not writer.started:
                    raise
                await writer.write(event_of(_STOPPING))
            except Exception as error:
                if not writer.started:
                    raise
                await writer.write(event_of(known(error)))
            finally:
                writer.rest()
            await writer.end()
        scope["conclave.left"] = caller.left


class _Writer:
    """Writes one event at a time, and a heartbeat when there was none for a while."""

    def __init__(self, send: Send, extra: Headers, heartbeat_s: float, stalled_s: float) -> None:
        self._heartbeat_s = heartbeat_s
        self._stalled_s = stalled_s
        self.started = False
        self.stalled = False
        self._send = send
        self._extra = extra
        self._turn = asyncio.Lock()
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._writing_since: float | None = None
        self._reader: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._ping: asyncio.Task[None] | None = None

    def watch(self, task: asyncio.Task[object] | None) -> None:
        """Begin with heartbeats; cancel `task` when the caller has stopped reading."""
        self._reader = task
        self._timer = self._loop.call_later(self._heartbeat_s, self._beat)

    def rest(self) -> None:
        """Stop the heartbeats."""
        if self._timer is not None:
            self._timer.cancel()
        if self._ping is not None:
            self._ping.cancel()

    async def write(self, event: bytes) -> None:
        """Send one event, waiting while the caller's connection is full."""
        async with self._turn:
            self._writing_since = self._loop.time()
            await self._start()
            await self._send({"type": "http.response.body", "body": event, "more_body": True})
            self._writing_since = None
            self._last = self._loop.time()

    async def end(self) -> None:
        """Close the response."""
        async with self._turn:
            await self._start()
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _start(self) -> None:
        if not self.started:
            self.started = True
            await self._send({"type": "http.response.start", "status": 200, "headers": _HEADERS + self._extra})

    def _beat(self) -> None:
        now = self._loop.time()
        if self._writing_since is not None:
            if now - self._writing_since > self._stalled_s and self._reader is not None:
                self.stalled = True
                self._reader.cancel()
        elif now - self._last >= self._heartbeat_s:
            self._ping = self._loop.create_task(self.write(_PING))
        quiet = now - self._last
        self._timer = self._loop.call_later(self._heartbeat_s - quiet % self._heartbeat_s, self._beat)
