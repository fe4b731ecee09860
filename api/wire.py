"""The HTTP/1.1 protocol of uvicorn with bounds of our own: small heads, prompt heads, and refusals in the envelope."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any, ClassVar, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from api.errors import body_of
from core.errors import ConclaveError, InvalidRequest, RequestTooSlow

MAX_HEAD_BYTES: Final = 32 * 1024
MAX_HEADERS: Final = 100
MAX_URL_BYTES: Final = 8 * 1024
MAX_UNREAD_BYTES: Final = 8 * 1024 * 1024
MAX_PIPELINED: Final = 8


class HeadTooLarge(InvalidRequest):
    """Raised while headers arrive; send fewer or shorter ones."""

    code = "headers_too_large"
    http_status = 431


class UrlTooLong(InvalidRequest):
    """Raised while the request line arrives."""

    code = "url_too_long"
    http_status = 414


_VERSIONS: Final = frozenset({"1.0", "1.1"})
_OF_A_BODY: Final = frozenset({b"content-length", b"transfer-encoding"})
_MALFORMED: Final = InvalidRequest("this is not a well-formed HTTP request", code="malformed_http")


class BoundedProtocol(HttpToolsProtocol):
    """One connection. A head that is too large, too slow or malformed is answered with an envelope, then closed."""

    seconds_for_head: ClassVar[float] = 10.0

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Bound the connection from its first byte."""
        super().__init__(config, server_state, app_state, _loop)
        self._why: ConclaveError = _MALFORMED
        self._spoke = False
        self._in_head = True
        self._head_bytes = 0
        self._head_count = 0
        self._body_bytes = 0
        self._under_way: deque[RequestResponseCycle] = deque()
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting, and tell all that is under way."""
        self._stop_waiting()
        self._abandon()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; they are counted here because the parser keeps unfinished headers and chunk sizes to itself."""
        if self.transport.is_closing():
            return
        self._spoke = True
        idle, self.timeout_keep_alive_task = self.timeout_keep_alive_task, None
        newest = self.cycle
        super().data_received(data)
        if idle is not None and (self._in_head or self.cycle is not newest):
            idle.cancel()
        else:
            # Only a request ends the wait for one: blank lines and the rest of a refused body do not.
            self.timeout_keep_alive_task = idle
        if not self.transport.is_closing():
            self._count(len(data))

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = self._head_count = self._body_bytes = 0
        if self._head_timer is None:
            self._await_head()

    def on_url(self, url: bytes) -> None:
        """Take a part of the request target."""
        super().on_url(url)
        if len(self.url) > MAX_URL_BYTES:
            self._give_up(UrlTooLong(f"the URL is longer than {MAX_URL_BYTES} bytes"))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header; trailers count as well, but never as what the head said."""
        self._head_count += 1
        self._head_bytes += len(name) + len(value)
        if self._head_count > MAX_HEADERS or self._head_bytes > MAX_HEAD_BYTES:
            self._give_up(HeadTooLarge(f"more than {MAX_HEADERS} headers or {MAX_HEAD_BYTES} bytes of them"))
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the head; the parser also takes HTTP/0.9 and versions that were never made."""
        upgrade = self.parser.should_upgrade()
        if self.parser.get_http_version() not in _VERSIONS:
            self._give_up(InvalidRequest("HTTP/1.0 or HTTP/1.1", code="http_version"))
        if upgrade and any(name in _OF_A_BODY for name, _ in self.headers):
            self._give_up(InvalidRequest("only HTTP/1.1 here; send a body without upgrade", code="upgrade_refused"))
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()
        self._under_way.append(self.cycle)
        if 1 < len(self._under_way) <= MAX_PIPELINED:
            # The server stops reading at a pipelined request, and so would not notice that the caller leaves.
            self.flow.resume_reading()
        if upgrade:
            # The parser reads nothing behind such a head; a caller must not wait for the answer to what it sent there.
            self.cycle.keep_alive = False

    def on_response_complete(self) -> None:
        """End an answer; they end in the order of their requests."""
        self._under_way.popleft()
        super().on_response_complete()

    def on_message_complete(self) -> None:
        """End a request."""
        super().on_message_complete()
        self._head_bytes = 0

    def send_400_response(self, msg: str) -> None:
        """Answer what the parser refused, in our words; the message of the server is not for callers."""
        del msg
        self._refuse(self._why)

    def _give_up(self, why: ConclaveError) -> None:
        # An exception in a callback stops the parser, which then has `send_400_response` called.
        self._why = why
        raise why

    def _refuse(self, why: ConclaveError) -> None:
        self._stop_waiting()
        waiting = self._under_way
        if not waiting or (len(waiting) == 1 and waiting[0].more_body and not waiting[0].response_started):
            body = body_of(why)
            head = STATUS_LINE[
                why.http_status
            ] + b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
            self.transport.write(head + body)
        # Bytes of a refusal must never end up inside or before the answer to another request: then closing says it all.
        self._abandon()
        self.transport.close()

    def _abandon(self) -> None:
        """Tell all that is under way that nobody will read its answer; the server itself tells the newest only."""
        for cycle in self._under_way:
            cycle.disconnected = True
            cycle.message_event.set()
        self._under_way.clear()

    def _count(self, size: int) -> None:
        if self._in_head:
            self._head_bytes += size
            if self._head_bytes > 8 * MAX_HEAD_BYTES:
                self._refuse(HeadTooLarge("the headers are too large; send fewer or shorter ones"))
            return
        self._body_bytes += size
        if self._body_bytes > MAX_UNREAD_BYTES:
            self._abandon()
            self.transport.close()

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.seconds_for_head, self._head_is_late)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        if not self._spoke:
            # Nothing was asked, so nothing is said: a word now would be taken for the answer to a later request.
            self.transport.close()
        elif not self.transport.is_closing():
            self._refuse(RequestTooSlow(f"the head did not arrive within {self.seconds_for_head:g} seconds"))
