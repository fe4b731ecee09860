"""The guards of tests/conftest.py and pyproject.toml do guard."""

from __future__ import annotations

import os
import socket
import warnings

import pytest
from blockbuster import BlockingError, blockbuster_ctx


def test_a_socket_beyond_loopback_is_refused() -> None:
    # 192.0.2.1 is reserved for documentation (RFC 5737): nothing answers there.
    with socket.socket() as probe, pytest.raises(UserWarning, match=r"192\.0\.2\.1"):
        probe.connect(("192.0.2.1", 9))


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        assert client.getpeername() == server.getsockname()


def test_a_warning_is_an_error() -> None:
    with pytest.raises(UserWarning, match="loud"):
        warnings.warn("loud", stacklevel=1)


def test_no_provider_key_reaches_a_test() -> None:
    assert [name for name in os.environ if name.endswith("_API_KEY")] == []


async def test_a_blocking_call_in_the_event_loop_is_noticed() -> None:
    with blockbuster_ctx(scanned_modules="tests"), pytest.raises(BlockingError):
        os.stat(__file__)
