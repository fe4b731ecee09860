"""A closed-loop load generator over keep-alive connections, lean enough to leave the measured server the bottleneck."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_HEAD_END = b"\r\n\r\n"
_CHUNKS_END = b"0\r\n\r\n"


@dataclass(slots=True)
class Loaded:
    """What one round of load saw: seconds of each good request, seconds in all, and answers that were not 200."""

    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    failed: int = 0

    @property
    def rate(self) -> float:
        """Return good requests a second."""
        return len(self.latencies) / self.seconds if self.seconds else 0.0


class _Connection(asyncio.Protocol):
    """Sends the same request again as soon as its answer is whole."""

    def __init__(self, request: bytes, until: float, loaded: Loaded, done: asyncio.Future[None]) -> None:
        self._request = request
        self._until = until
        self._loaded = loaded
        self._done = done
        self._buffer = b""
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # a stream protocol is given a stream transport
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        whole = _whole(self._buffer)
        if whole is None:
            return
        now = time.perf_counter()
        if whole:
            self._loaded.latencies.append(now - self._sent)
        else:
            self._loaded.failed += 1
        self._buffer = b""
        if now >= self._until:
            self._finish()
        else:
            self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio names it
        if not self._done.done():
            self._loaded.failed += 1
            self._done.set_result(None)

    def _send(self) -> None:
        if self._transport is not None:
            self._sent = time.perf_counter()
            self._transport.write(self._request)

    def _finish(self) -> None:
        if not self._done.done():
            self._done.set_result(None)
        if self._transport is not None:
            self._transport.close()


def _whole(answer: bytes) -> bool | None:
    """Return whether a whole answer was a 200, or nothing while it is incomplete."""
    head, separator, body = answer.partition(_HEAD_END)
    if not separator:
        return None
    lowered = head.lower()
    if b"transfer-encoding: chunked" in lowered:
        complete = body.endswith(_CHUNKS_END)
    else:
        length = int(lowered.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
        complete = len(body) >= length
    return head.startswith(b"HTTP/1.1 200") if complete else None


def http_request(url: str, body: bytes, headers: dict[str, str]) -> bytes:
    """Return the bytes of one POST of JSON to `url`."""
    parts = urlsplit(url)
    lines = [
        f"POST {parts.path} HTTP/1.1",
        f"Host: {parts.netloc}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + _HEAD_END + body


async def press(url: str, request: bytes, concurrency: int, seconds: float) -> Loaded:
    """Keep `concurrency` requests in flight for `seconds` and return what was seen."""
    loop = asyncio.get_running_loop()
    parts = urlsplit(url)
    loaded = Loaded()
    started = time.perf_counter()

    async def connect() -> None:
        done: asyncio.Future[None] = loop.create_future()
        await loop.create_connection(
            lambda: _Connection(request, started + seconds, loaded, done),
            parts.hostname or "127.0.0.1",
            parts.port or 80,
        )
        await done

    async with asyncio.timeout(seconds + 60):
        await asyncio.gather(*(connect() for _ in range(concurrency)))
    loaded.seconds = time.perf_counter() - started
    return loaded
