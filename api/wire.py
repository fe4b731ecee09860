"""The HTTP/1.1 protocol of uvicorn with bounds of our own: small heads, prompt heads, and refusals in the envelope."""

from __future__ import annotations

import asyncio
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


class HeadTooLarge(InvalidRequest):
    """Raised while headers arrive; send fewer or shorter ones."""

    code = "headers_too_large"
    http_status = 431


class UrlTooLong(InvalidRequest):
    """Raised while the request line arrives."""

    code = "url_too_long"
    http_status = 414


_VERSIONS: Final = frozenset({"1.0", "1.1"})
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
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; those of an unfinished head are counted even where the parser keeps them to itself."""
        if self.transport.is_closing():
            return
        self._spoke = True
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            # The parser hands over a header when it is complete: one endless header is only seen here.
            if self._head_bytes > 8 * MAX_HEAD_BYTES:
                self._refuse(HeadTooLarge("the headers are too large; send fewer or shorter ones"))

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
        """Take one header; trailers count as well."""
        self._head_count += 1
        self._head_bytes += len(name) + len(value)
        if self._head_count > MAX_HEADERS or self._head_bytes > MAX_HEAD_BYTES:
            self._give_up(HeadTooLarge(f"more than {MAX_HEADERS} headers or {MAX_HEAD_BYTES} bytes of them"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """End the head; the parser also takes HTTP/0.9 and versions that were never made."""
        if self.parser.get_http_version() not in _VERSIONS:
            self._give_up(InvalidRequest("HTTP/1.0 or HTTP/1.1", code="http_version"))
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body; after the answer was given, only so much is still read."""
        self._body_bytes += len(body)
        if self._body_bytes > MAX_UNREAD_BYTES and self.cycle.response_complete:
            self.transport.close()
            return
        super().on_body(body)

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
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            body = body_of(why)
            head = STATUS_LINE[
                why.http_status
            ] + b"content-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
            self.transport.write(head + body)
        # Bytes of a refusal must never end up inside an answer still being written: then closing says it all.
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
