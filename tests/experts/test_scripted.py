"""Scripted experts: they do what their script says, and a script that cannot be is refused."""

from __future__ import annotations

from typing import Any

import pytest

from core import errors
from core.errors import ConclaveError
from core.experts import Kind
from core.ids import ExpertName
from core.messages import Finish, Sampling
from experts.scripted import ScriptedTransport
from tests.experts.room import all_of, call, gateway, spec


def door(target: str = "echo", **options: Any) -> Any:
    return gateway({Kind.SCRIPTED: ScriptedTransport()}, spec("it", target=target, options=options))


async def test_a_reply_is_filled_in_and_cut_into_pieces() -> None:
    pieces = [piece async for piece in door(reply="{expert} {n}: {question}", pieces=3).stream(call("it", "hello"))]

    assert "".join(piece.text for piece in pieces[:-1]) == "it 1: hello"
    assert len(pieces) == 4


async def test_the_same_call_gives_the_same_pieces() -> None:
    first, second = [await all_of(door(pieces=5).stream(call("it"))) for _ in range(2)]

    assert first == second


@pytest.mark.parametrize("name", ["UpstreamError", "HostLost", "MalformedStream", "Overloaded", "Unavailable"])
async def test_any_error_of_ours_can_be_raised(name: str) -> None:
    with pytest.raises(getattr(errors, name)):
        await all_of(door(error=name, error_after=1).stream(call("it")))


async def test_errors_can_end_after_a_number_of_calls() -> None:
    it = door(error="HostLost", error_times=2)
    for _ in range(2):
        with pytest.raises(ConclaveError):
            await it.complete(call("it"))

    assert (await it.complete(call("it"))).text


async def test_a_tool_call_can_be_scripted() -> None:
    reply = await door(tool="search", arguments='{"q": 1}').complete(call("it", sampling=Sampling(max_tokens=5)))

    assert (reply.finish, reply.tool_calls[0].name) == (Finish.TOOL_CALLS, "search")


@pytest.mark.parametrize(
    ("target", "options", "why"),
    [
        ("ecko", {}, 'did you mean "echo"'),
        ("echo", {"delay": "3"}, 'did you mean "delay_ms"'),
        ("echo", {"delay_ms": "soon"}, "not a number"),
        ("echo", {"error": "UpstreamErr"}, 'did you mean "UpstreamError"'),
    ],
)
def test_a_script_that_cannot_be_is_not_healthy_and_says_why(target: str, options: dict[str, str], why: str) -> None:
    assert why in door(target, **options).healthy(ExpertName("it"))
