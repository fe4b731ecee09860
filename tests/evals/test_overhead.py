"""`bench overhead` leaves nothing out."""

from __future__ import annotations

from evals.bench.overhead import Target, cases


def test_every_server_is_measured_whole_and_streamed_at_every_concurrency() -> None:
    servers = [Target(name, "http://127.0.0.1:9", "ok", 0) for name in ("direct", "panel")]

    measured = [(target.name, stream, at_once) for target, stream, at_once in cases(servers)]

    assert sorted(measured) == [
        (name, stream, at_once) for name in ("direct", "panel") for stream in (False, True) for at_once in (1, 16, 64)
    ]
