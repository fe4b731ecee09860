"""Requests as bytes on a socket: what no well-behaved client can send."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.api.conftest import Running

DEADLINE_S = 20.0


@dataclass(frozen=True)
class Told:
    """One answer read from a socket."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["error"]["code"])


def chat_bytes(api: Running, key: str, body: dict[str, object], path: str = "/v1/chat/completions") -> bytes:
    """A well-formed chat request."""
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {api.keys[key]}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


@contextmanager
def connected(api: Running) -> Iterator[socket.socket]:
    """A plain connection to the API."""
    with socket.create_connection(("127.0.0.1", api.port), DEADLINE_S) as connection:
        yield connection


@contextmanager
def holding(api: Running, key: str) -> Iterator[None]:
    """Keep one request of `key` in flight."""
    api.convener.waiting.clear()
    api.convener.left.clear()
    body: dict[str, object] = {"model": "expert/patient", "messages": [{"role": "user", "content": "wait"}]}
    with connected(api) as connection:
        connection.sendall(chat_bytes(api, key, body))
        assert api.convener.waiting.wait(DEADLINE_S)
        yield
    assert api.convener.left.wait(DEADLINE_S)


def answers(connection: socket.socket) -> list[Told]:
    """Everything the server says until it closes."""
    data = b""
    try:
        while part := connection.recv(65536):
            data += part
    except ConnectionResetError:
        pass
    told = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        size = int(headers.get("content-length", 0))
        told.append(Told(int(first.split(" ")[1]), headers, data[:size]))
        data = data[size:]
    return told
