"""The first thing a request meets: its id, its time, its count, and the one place where exceptions become envelopes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import body_of, headers_of, known
from api.gate import Gate
from api.service import Service
from core.errors import Overloaded, Unavailable

Endpoint = Callable[[Request], Awaitable[Response]]
"""What answers one route."""

CALLER_LEFT: Final = 499
MOST_IN_FLIGHT: Final = 1_000
_UNMATCHED: Final = "unmatched"
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Front:
    """ASGI: the gate and the routes, wrapped.

    Routes without a path parameter are called straight from a table: the router and its middleware cost more than all
    of a pass-through's own work.
    """

    def __init__(self, inner: ASGIApp, shortcuts: Mapping[tuple[str, str], Endpoint], service: Service) -> None:
        """Send what `shortcuts` knows (by method and path) to its endpoint, the rest to `inner`."""
        self.inner = inner
        self._shortcuts = shortcuts
        self.service = service
        self._gate = Gate(self._dispatch)
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return
        answering = _Answering(scope, send, self.service)
        self.service.meters.in_flight.inc()
        self._in_flight += 1
        try:
            if self._in_flight > MOST_IN_FLIGHT and not scope["path"].startswith("/health/"):
                raise Overloaded(f"this process is answering {MOST_IN_FLIGHT} requests already; try again shortly")
            await self._gate(scope, receive, answering.send)
        except asyncio.CancelledError:
            # Only the end of the process cancels here: a caller who left is noticed closer to the work.
            await answering.refuse(Unavailable("the service is stopping; ask again", code="stopping"))
        except Exception as error:  # noqa: BLE001  # the one handler: whatever it is, the caller gets an envelope
            await answering.refuse(error)
        finally:
            self._in_flight -= 1
            self.service.meters.in_flight.dec()
            self.service.meters.answered(_route_of(scope), answering.outcome, answering.seconds)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._shortcuts.get((scope["method"], scope["path"]))
        if endpoint is None:
            await self.inner(scope, receive, send)
            return
        scope["conclave.route"] = scope["path"]
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


class _Answering:
    """One answer on its way out: gets the headers every answer has."""

    __slots__ = ("_began", "_clock", "_scope", "_send", "request_id", "status", "trace")

    def __init__(self, scope: Scope, send: Send, service: Service) -> None:
        self._clock = service.clock
        self._began = self._clock.monotonic()
        self._scope = scope
        self._send = send
        self.status = 0
        self.trace: bytes | None = None
        given: bytes | None = None
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                given = value if _REQUEST_ID.fullmatch(value) else None
            elif name == b"traceparent":
                self.trace = value if _TRACEPARENT.fullmatch(value) else None
        self.request_id = given or service.ids.new().encode()
        structlog.contextvars.bind_contextvars(request_id=self.request_id.decode())

    @property
    def seconds(self) -> float:
        return self._clock.monotonic() - self._began

    @property
    def outcome(self) -> int:
        """The status that counts: what was sent, or that the caller left before anything was."""
        return CALLER_LEFT if self._scope.get("conclave.left") else self.status or CALLER_LEFT

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [
                *message.get("headers", ()),
                (b"x-request-id", self.request_id),
                (b"openai-processing-ms", b"%d" % (self.seconds * 1000)),
            ]
            if self.trace is not None:
                headers.append((b"traceparent", self.trace))
            message = {**message, "headers": headers}
        await self._send(message)

    async def refuse(self, error: Exception) -> None:
        told = known(error)
        if self.status:
            # Half an answer is out: without its end the server closes the connection, which is the truth.
            return
        body = body_of(told)
        headers = [*headers_of(told), (b"content-length", b"%d" % len(body))]
        if told.http_status in {408, 413}:
            headers.append((b"connection", b"close"))
        await self.send({"type": "http.response.start", "status": told.http_status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": False})


def _route_of(scope: Scope) -> str:
    known_path = scope.get("conclave.route")
    if known_path is not None:
        return str(known_path)
    return str(getattr(scope.get("route"), "path", _UNMATCHED))
