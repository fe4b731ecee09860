"""Server-sent events, read from bytes as they come: cut anywhere, ended by LF, CRLF or CR, bounded in length."""

from __future__ import annotations

from core.errors import MalformedStream

LONGEST_LINE = 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class SseReader:
    """Cuts a byte stream into the data of its events. Comments and fields other than `data` are passed over.

    See the WHATWG HTML standard, section 9.2.6. Bytes are never decoded here, so a character may be cut anywhere.
    """

    def __init__(self) -> None:
        """Start at the head of a stream."""
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._begun = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take the next bytes and return the data of every event they end; raises `MalformedStream` at a long line."""
        if not self._begun:
            chunk = self._head(chunk)
        if b"\r" in chunk or self._rest.endswith(b"\r"):
            return self._feed_with_returns(chunk)
        if b"\n" not in chunk:
            self._keep(chunk)
            return []
        if self._rest:
            chunk = bytes(self._rest + chunk)
            self._rest.clear()
        *lines, rest = chunk.split(b"\n")
        self._keep(rest)
        return self._events(lines)

    def end(self) -> list[bytes]:
        """Return the data of an event that the stream left without its blank line."""
        lines = [bytes(self._rest.rstrip(b"\r"))] if self._rest else []
        self._rest.clear()
        return self._events([*lines, b""])

    def _head(self, chunk: bytes) -> bytes:
        head = bytes(self._rest) + chunk
        if len(head) < len(_BOM) and _BOM.startswith(head):
            self._rest[:] = head
            return b""
        self._begun = True
        self._rest.clear()
        return head.removeprefix(_BOM)

    def _feed_with_returns(self, chunk: bytes) -> list[bytes]:
        whole = bytes(self._rest) + chunk
        self._rest.clear()
        # A return at the very end may be half of a CRLF.
        held = b"\r" if whole.endswith(b"\r") else b""
        whole = whole[: len(whole) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = whole.split(b"\n")
        self._keep(rest + held)
        return self._events(lines)

    def _keep(self, rest: bytes) -> None:
        self._rest += rest
        if len(self._rest) > LONGEST_LINE:
            raise MalformedStream(f"the provider sent a line of more than {LONGEST_LINE} bytes")

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events: list[bytes] = []
        data = self._data
        for line in lines:
            if len(line) > LONGEST_LINE:
                raise MalformedStream(f"the provider sent a line of more than {LONGEST_LINE} bytes")
            if not line:
                if data:
                    events.append(data[0] if len(data) == 1 else b"\n".join(data))
                    data.clear()
            elif line.startswith(b"data:"):
                data.append(line[6:] if line.startswith(b"data: ") else line[5:])
                if len(data) > 1 and sum(map(len, data)) > LONGEST_LINE:
                    raise MalformedStream(f"the provider sent an event of more than {LONGEST_LINE} bytes")
        return events
