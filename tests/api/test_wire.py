"""Malformed HTTP on a raw socket: refused or closed, and never taken for another request."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
import uvicorn

from api.app import create_app
from api.serve import DrainingServer, bind
from api.wire import BoundedProtocol
from tests.api.conftest import Running
from tests.api.corpus import GOOD, LIVE, MALFORMED, POST, in_chunks, live
from tests.api.sockets import DEADLINE_S, Told, answers, chat_bytes, connected
from tests.api.test_life import never

NOTHING = b"GET /v1/nothing HTTP/1.1\r\nhost: x\r\n\r\n"


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
    # The sender keeps its side open: closed, the server would answer nothing more whatever it took the bytes for.
    told = exchange(api, sent + LIVE)

    assert len(told) <= 1
    assert all(400 <= answer.status < 500 and answer.code for answer in told)
    assert_alive(api)


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_refusal_is_never_taken_for_the_answer_to_an_earlier_request(api: Running, sent: bytes) -> None:
    told = [answer.status for answer in exchange(api, chat_bytes(api, "runner", GOOD) + sent + LIVE)]

    assert len(told) <= 2
    assert all(status == 200 for status in told[:1])
    assert all(400 <= status < 500 for status in told[1:])


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"http://other.example/health/live", 200),
        (b"/health/live?a=%00", 200),
        (b"/health/live#x", 200),
        (b"//health/live", 404),
        (b"/v1/../health/live", 404),
        (b"/v1/%2e%2e/health/live", 404),
        (b"/health/live%00", 404),
        (b"/health/live%0d%0ax:1", 404),
        (b"/health/live;x", 404),
        (b"/health/live%zz", 404),
        (b"/health/liv%D9%A1", 404),
        (b"*", 404),
    ],
)
def test_an_odd_target_is_read_one_way(api: Running, target: bytes, status: int) -> None:
    told = exchange(api, b"GET " + target + b" HTTP/1.1\r\nhost: x\r\n\r\n" + LIVE)

    assert [answer.status for answer in told] == [status, 200]


def test_pipelined_requests_are_answered_in_their_order(api: Running) -> None:
    ask = chat_bytes(api, "runner", GOOD)

    told = exchange(api, ask + NOTHING + ask + LIVE)

    assert [answer.status for answer in told] == [200, 404, 200, 200]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (POST + b"content-encoding: gzip\r\n", 415),
        (b"GET /health/live HTTP/1.1\r\nhost: x\r\n", 200),
        (b"TRACE /v1/models HTTP/1.1\r\nhost: x\r\n", 405),
    ],
)
def test_a_body_nobody_reads_does_not_become_the_next_request(api: Running, head: bytes, status: int) -> None:
    counted = b"content-length: %d\r\n\r\n" % len(NOTHING) + NOTHING
    chunked = b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(NOTHING), NOTHING)

    told = exchange(api, head + counted + head + chunked + LIVE)

    assert [answer.status for answer in told] == [status, status, 200]


def test_a_key_behind_the_body_opens_nothing(api: Running) -> None:
    trailer = b"authorization: Bearer %s\r\n\r\n" % api.keys["runner"].encode()

    told = exchange(api, in_chunks(b"2\r\n{}\r\n0\r\n" + trailer) + LIVE)

    assert [answer.status for answer in told] == [401, 200]


def test_a_body_shorter_than_its_length_is_not_answered_as_if_whole(api: Running) -> None:
    told = exchange(api, POST + b"content-length: 50\r\n\r\n{}", ends=True)

    assert all(answer.status in {400, 408} for answer in told)
    assert_alive(api)


def test_chunks_without_end_are_refused(api: Running) -> None:
    told = exchange(api, in_chunks((b"10000\r\n" + b" " * 65_536 + b"\r\n") * 20))

    assert [answer.code for answer in told] == ["payload_too_large"]
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


def test_a_body_that_is_malformed_says_so(api: Running) -> None:
    told = exchange(api, MALFORMED["a chunk of no size"] + LIVE)

    assert [(answer.status, answer.code) for answer in told] == [(400, "malformed_http")]


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
def test_who_asks_for_another_protocol_gets_an_answer_in_this_one_and_the_end(api: Running, protocol: bytes) -> None:
    told = exchange(api, live(b"connection: upgrade", b"upgrade: " + protocol) + NOTHING)

    assert [(answer.status, answer.headers["connection"]) for answer in told] == [(200, "close")]


def test_what_a_body_without_end_hides_from_the_count_is_counted(api: Running) -> None:
    told = exchange(api, in_chunks(b"2;" + b"x" * 9_000_000 + b"\r\n{}\r\n0\r\n\r\n") + LIVE)

    assert told == []
    assert_alive(api)


class Impatient(BoundedProtocol):
    """The same, waiting less."""

    seconds_for_head = 0.1


@contextmanager
def impatient() -> Iterator[tuple[str, int]]:
    """The address of a server that waits a tenth of a second for a head, and a second between requests."""
    app = create_app(never)
    listening = bind("127.0.0.1", 0)
    config = uvicorn.Config(app, http=Impatient, log_config=None, log_level="error", timeout_keep_alive=1)
    server = DrainingServer(config, app.service)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield listening.getsockname()
    server.should_exit = True
    thread.join(DEADLINE_S)


@pytest.mark.parametrize(("sent", "statuses"), [(b"", []), (b"GET /health/live HTTP/1.1\r\nx-a:", [408])])
def test_a_head_that_does_not_come_is_not_waited_for(sent: bytes, statuses: list[int]) -> None:
    with impatient() as address, socket.create_connection(address, DEADLINE_S) as connection:
        connection.sendall(sent)
        told = answers(connection)

    assert [answer.status for answer in told] == statuses


@pytest.mark.parametrize(
    ("sent", "drop"),
    [(live(), b"\r\n"), (live(b"content-length: 100000"), b"x")],
    ids=["blank lines", "the rest of a body"],
)
def test_bytes_that_ask_nothing_do_not_keep_a_connection_open(sent: bytes, drop: bytes) -> None:
    with impatient() as address, socket.create_connection(address, 0.1) as connection:
        connection.sendall(sent)

        assert closes(connection, drop)


def closes(connection: socket.socket, drop: bytes) -> bool:
    """Whether the server closes although a drop is sent whenever it is silent."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            if not connection.recv(65_536):
                return True
        except TimeoutError:
            connection.sendall(drop)
        except ConnectionError:
            return True
    return False
