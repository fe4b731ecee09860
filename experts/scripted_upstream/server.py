"""The scripted upstream's server: counts calls, sees who hangs up, and keeps what it was asked."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import orjson
from aiohttp import web

from experts.scripted_upstream import wire
from experts.scripted_upstream.faults import FAULTS, JSON_HEADERS, Order, fault_of

REMEMBERED = 1000
WAIT_S = 5.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A completion request as it came: its body, and the Authorization header if any."""

    body: dict[str, Any]
    authorization: str | None


class ScriptedUpstream:
    """Serves on loopback between `start` and `stop`, or as an async context; port 0 takes a free one."""

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        """Count from zero."""
        self._host = host
        self._port = port
        self._runner: web.ServerRunner | None = None
        self._waiting: list[tuple[Callable[[], bool], asyncio.Future[None]]] = []
        self._connections: set[object] = set()
        self.calls: Counter[str] = Counter()
        self.disconnects: Counter[str] = Counter()
        self.seen: deque[Seen] = deque(maxlen=REMEMBERED)

    @property
    def url(self) -> str:
        """Return the base URL that clients are given."""
        return f"http://{self._host}:{self._port}/v1"

    @property
    def connections(self) -> int:
        """Return how many connections requests came over so far."""
        return len(self._connections)

    async def start(self) -> None:
        """Listen."""
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port, backlog=1024).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close every connection."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def __aenter__(self) -> ScriptedUpstream:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    async def called(self, model: str, times: int = 1) -> None:
        """Wait until `model` was called so often; raises `TimeoutError` after five seconds."""
        await self._until(lambda: self.calls[model] >= times)

    async def hung_up_on(self, model: str, times: int = 1) -> None:
        """Wait until callers of `model` left before the end so often; raises `TimeoutError` after five seconds."""
        await self._until(lambda: self.disconnects[model] >= times)

    async def _until(self, happened: Callable[[], bool]) -> None:
        if happened():
            return
        waiter = (happened, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(WAIT_S):
                await waiter[1]
        finally:
            self._waiting.remove(waiter)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._connections.add(request.protocol)
        path = request.path
        if path == "/v1/chat/completions" and request.method == "POST":
            return await self._complete(request)
        if path == "/v1/embeddings" and request.method == "POST":
            asked = orjson.loads(await request.read())
            texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
            return web.Response(body=wire.embeddings(asked["model"], texts), headers=JSON_HEADERS)
        if path == "/v1/models":
            return web.Response(body=wire.models(tuple(FAULTS)), headers=JSON_HEADERS)
        return web.Response(status=404, body=wire.error(f"no route {path}", "not_found_error"), headers=JSON_HEADERS)

    async def _complete(self, request: web.BaseRequest) -> web.StreamResponse:
        body = orjson.loads(await request.read())
        model = body["model"]
        self.seen.append(Seen(body, request.headers.get("Authorization")))
        self._count(self.calls, model)
        found = fault_of(model)
        if found is None:
            envelope = wire.error(f"no model {model}", "invalid_request_error", "model_not_found")
            return web.Response(status=404, body=envelope, headers=JSON_HEADERS)
        fault, argument = found
        last = body["messages"][-1].get("content")
        order = Order(
            request=request,
            model=model,
            argument=argument,
            streamed=bool(body.get("stream")),
            last_text=last if isinstance(last, str) else "",
            nth=self.calls[model],
        )
        try:
            return await fault(order)
        except (asyncio.CancelledError, ConnectionError):
            self._count(self.disconnects, model)
            raise

    def _count(self, counter: Counter[str], model: str) -> None:
        counter[model] += 1
        for happened, waiter in self._waiting:
            if not waiter.done() and happened():
                waiter.set_result(None)
