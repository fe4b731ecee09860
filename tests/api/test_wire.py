"""Malformed HTTP on a raw socket: refused or closed, and never taken for another request."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import pytest
import uvicorn

from api.app import create_app
from api.serve import DrainingServer, bind
from api.wire import BoundedProtocol
from tests.api.conftest import Running
from tests.api.sockets import DEADLINE_S, Told, answers, chat_bytes, connected
from tests.api.test_life import never

GOOD: dict[str, object] = {"model": "expert/echo", "messages": [{"role": "user", "content": "hi"}]}
LIVE = b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
POST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
CHUNKED = b"2\r\n{}\r\n0\r\n\r\n"

MALFORMED = {
    "length and chunked": POST + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKED,
    "chunked, identity": POST + b"transfer-encoding: chunked, identity\r\n\r\n" + CHUNKED,
    "two lengths": POST + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}x",
    "a negative length": POST + b"content-length: -2\r\n\r\n{}",
    "a length in words": POST + b"content-length: two\r\n\r\n{}",
    "a length in other digits": POST + "content-length: \u0662\r\n\r\n{}".encode(),
    "a chunk of no size": POST + b"transfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n",
    "a bare line feed": b"GET /health/live HTTP/1.1\nhost: x\n\n",
    "a folded header": b"GET /health/live HTTP/1.1\r\nhost: x\r\nx-a: 1\r\n  2\r\n\r\n",
    "a space in a name": b"GET /health/live HTTP/1.1\r\nhost: x\r\nx a: 1\r\n\r\n",
    "a space after a name": b"GET /health/live HTTP/1.1\r\nhost : x\r\n\r\n",
    "NUL in a header": b"GET /health/live HTTP/1.1\r\nhost: x\r\nx-a: 1\x002\r\n\r\n",
    "a header of 100 KB": b"GET /health/live HTTP/1.1\r\nhost: x\r\nx-a: " + b"a" * 102_400 + b"\r\n\r\n",
    "a header without end": b"GET /health/live HTTP/1.1\r\nx-a: " + b"a" * 1_000_000,
    "1,000 headers": b"GET /health/live HTTP/1.1\r\nhost: x\r\n" + b"x-a: 1\r\n" * 1_000 + b"\r\n",
    "a URL of 100 KB": b"GET /" + b"a" * 102_400 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
    "HTTP/0.9": b"GET /health/live\r\n\r\n",
    "HTTP/9.9": b"GET /health/live HTTP/9.9\r\nhost: x\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a tunnel": b"CONNECT example.org:443 HTTP/1.1\r\nhost: x\r\n\r\n",
    "unicode in the target": "GET /health/liv\u00e9 HTTP/1.1\r\nhost: x\r\n\r\n".encode(),
}


def exchange(api: Running, sent: bytes, *, ends: bool = False) -> list[Told]:
    """What comes back for these bytes until the server closes; with `ends` the sender says that no more will come."""
    with connected(api) as connection:
        # Closed on us already is an answer too.
        with suppress(OSError):
            connection.sendall(sent)
            if ends:
                connection.shutdown(socket.SHUT_WR)
        return answers(connection)


def assert_alive(api: Running) -> None:
    """A good request on a new connection is answered."""
    assert [told.status for told in exchange(api, LIVE)] == [200]


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_malformed_is_refused_and_nothing_after_it_is_answered(api: Running, sent: bytes) -> None:
    told = exchange(api, sent + LIVE, ends=True)

    assert len(told) <= 1
    assert all(400 <= answer.status < 500 and answer.code for answer in told)
    assert_alive(api)


@pytest.mark.parametrize("target", [b"http://other.example/health/live", b"/health/live?a=%00", b"/health/live#x"])
def test_an_odd_target_is_read_one_way(api: Running, target: bytes) -> None:
    told = exchange(api, b"GET " + target + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")

    assert [answer.status for answer in told] in ([200], [400])


def test_pipelined_requests_are_answered_in_their_order(api: Running) -> None:
    ask = chat_bytes(api, "runner", GOOD)
    unknown = b"GET /v1/nothing HTTP/1.1\r\nhost: x\r\n\r\n"

    told = exchange(api, ask + unknown + ask + LIVE)

    assert [answer.status for answer in told] == [200, 404, 200, 200]


def test_a_refused_body_does_not_become_the_next_request(api: Running) -> None:
    hidden = b"GET /v1/nothing HTTP/1.1\r\nhost: x\r\n\r\n"
    refused = POST + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(hidden) + hidden

    told = exchange(api, refused + LIVE)

    assert [answer.status for answer in told] == [415, 200]


def test_a_body_shorter_than_its_length_is_not_answered_as_if_whole(api: Running) -> None:
    told = exchange(api, POST + b"content-length: 50\r\n\r\n{}", ends=True)

    assert all(answer.status in {400, 408} for answer in told)
    assert_alive(api)


def test_empty_chunks_end_the_body(api: Running) -> None:
    told = exchange(api, POST + b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n0\r\n\r\n")

    assert [answer.code for answer in told] == ["invalid_json"]


def test_a_client_that_waits_for_leave_to_send_gets_it(api: Running) -> None:
    ask = chat_bytes(api, "runner", GOOD).replace(
        b"\r\n\r\n", b"\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n", 1
    )

    told = exchange(api, ask)

    assert [answer.status for answer in told] == [100, 200]


def test_a_head_that_is_too_large_says_so(api: Running) -> None:
    told = exchange(api, MALFORMED["1,000 headers"])

    assert [(answer.status, answer.code) for answer in told] == [(431, "headers_too_large")]


class Impatient(BoundedProtocol):
    """The same, waiting less."""

    seconds_for_head = 0.1


@pytest.mark.parametrize(("sent", "statuses"), [(b"", []), (b"GET /health/live HTTP/1.1\r\nx-a:", [408])])
def test_a_head_that_does_not_come_is_not_waited_for(sent: bytes, statuses: list[int]) -> None:
    app = create_app(never)
    listening = bind("127.0.0.1", 0)
    server = DrainingServer(uvicorn.Config(app, http=Impatient, log_config=None, log_level="error"), app.service)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()

    with socket.create_connection(listening.getsockname(), DEADLINE_S) as connection:
        connection.sendall(sent)
        told = answers(connection)

    server.should_exit = True
    thread.join(DEADLINE_S)
    assert [answer.status for answer in told] == statuses
