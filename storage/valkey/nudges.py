"""One subscription a process, so that a thousand callers can wait for results on a single connection."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError

from core.ids import RequestId
from storage.valkey.connection import DEADLINE_S, Valkey

_LISTEN_S = 5.0
_PAUSE_S = 0.2

_log = structlog.get_logger(__name__)


class Nudges:
    """Hears which requests have news. A nudge may get lost with the connection: whoever waits looks again at times."""

    def __init__(self, valkey: Valkey, rng: random.Random | None = None) -> None:
        """Subscribe through `valkey` when the first caller waits; `rng` spreads reconnections."""
        self.channel = f"conclave:mail:nudge:{secrets.token_hex(8)}"
        self._valkey = valkey
        self._rng = rng or random.Random()
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._task: asyncio.Task[None] | None = None
        self._subscribed = asyncio.Event()

    @contextmanager
    def watch(self, request: RequestId) -> Iterator[asyncio.Event]:
        """Give an event that is set whenever `request` may have news."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._listen())
        event = asyncio.Event()
        events = self._waiting.setdefault(request, set())
        events.add(event)
        try:
            yield event
        finally:
            events.discard(event)
            if not events and self._waiting.get(request) is events:
                del self._waiting[request]

    async def ready(self, wait_s: float) -> None:
        """Wait, at most `wait_s` seconds, until nudges arrive."""
        if not self._subscribed.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._subscribed.wait()

    async def aclose(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    async def _listen(self) -> None:
        while True:
            listener = self._valkey.listener()
            try:
                await self._hear(listener)
            except (RedisError, OSError) as error:
                _log.warning("nudges.interrupted", reason=type(error).__name__)
            finally:
                self._subscribed.clear()
                await listener.aclose()  # type: ignore[no-untyped-call]  # redis' own
            await asyncio.sleep(_PAUSE_S * (0.5 + self._rng.random()))

    async def _hear(self, listener: PubSub) -> None:
        await listener.subscribe(self.channel)
        while True:
            message = await listener.get_message(timeout=_LISTEN_S if self._subscribed.is_set() else DEADLINE_S)
            if message is None and not self._subscribed.is_set():
                raise TimeoutError
            if message is not None and message["type"] == "subscribe":
                self._subscribed.set()
                # Something may have happened while nobody listened.
                self._wake(list(self._waiting))
            elif message is not None:
                self._wake([message["data"]])

    def _wake(self, requests: list[str]) -> None:
        for request in requests:
            for event in self._waiting.get(request, ()):
                event.set()
