"""What every transport promises, whatever it calls."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import Any

import orjson
import pytest

from core.calls import Deadlines
from core.errors import DeadlineExceeded
from core.experts import ExpertSpec, Kind
from core.messages import FinishPiece
from core.ports import Transport
from experts.recorded import RecordedTransport
from experts.remote.openai_transport import OpenAITransport
from experts.scripted import ScriptedTransport
from experts.scripted_upstream import ScriptedUpstream
from experts.tool import ToolAnswer, ToolDeclined, ToolTransport
from tests.experts.room import QUICK, call, gateway, remote, spec

KINDS = ["remote", "scripted", "tool", "recorded"]


class Patient:
    """A tool that answers at once, or never."""

    async def answer(self, question: str) -> ToolAnswer | ToolDeclined:
        if "wait" in question:
            await asyncio.Event().wait()
        return ToolAnswer("42")


@pytest.fixture
def transports(lean: OpenAITransport) -> dict[Kind, Transport]:
    """One transport of every kind that needs no host."""
    return {
        Kind.REMOTE: lean,
        Kind.SCRIPTED: ScriptedTransport(),
        Kind.TOOL: ToolTransport({"tool": Patient()}),
        Kind.RECORDED: RecordedTransport(),
    }


@pytest.fixture
def good(upstream: ScriptedUpstream, tmp_path: Path) -> dict[str, ExpertSpec]:
    """An expert of each kind that answers."""
    (tmp_path / "pool.json").write_bytes(orjson.dumps({"name": "p", "models": {"m": {}}}))
    item = {"id": "1", "query": "What is it?", "outcomes": {"m": {"answer": "42", "correct": 1}}}
    (tmp_path / "items.jsonl.gz").write_bytes(gzip.compress(orjson.dumps(item)))
    return {
        "remote": remote("it", "ok", upstream.url),
        "scripted": spec("it"),
        "tool": spec("it", Kind.TOOL, "tool"),
        "recorded": spec("it", Kind.RECORDED, "m", options={"pool": tmp_path}),
    }


@pytest.mark.parametrize("kind", KINDS)
async def test_the_end_comes_last_and_once_and_counts_one_call(
    transports: dict[Kind, Transport], good: dict[str, ExpertSpec], kind: str
) -> None:
    expert = good[kind]

    pieces = [piece async for piece in transports[expert.kind].stream(expert, call("it"), Deadlines())]

    ends = [piece for piece in pieces if isinstance(piece, FinishPiece)]
    assert ends == [pieces[-1]]
    assert ends[0].usage.calls == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_closing_in_the_middle_is_quick_and_silent(
    transports: dict[Kind, Transport], good: dict[str, ExpertSpec], kind: str
) -> None:
    expert = good[kind]
    pieces: Any = transports[expert.kind].stream(expert, call("it"), Deadlines())
    await anext(pieces)

    async with asyncio.timeout(1.0):
        await pieces.aclose()

    assert [piece async for piece in pieces] == []


@pytest.mark.parametrize("kind", ["remote", "scripted", "tool"])
async def test_one_that_never_answers_is_given_up_with_a_typed_error(
    transports: dict[Kind, Transport], upstream: ScriptedUpstream, kind: str
) -> None:
    silent = {
        "remote": remote("it", "hang-first", upstream.url),
        "scripted": spec("it", target="hang"),
        "tool": spec("it", Kind.TOOL, "tool"),
    }
    door = gateway(transports, silent[kind], deadlines=QUICK)

    with pytest.raises(DeadlineExceeded):
        async with asyncio.timeout(5.0):
            _ = [piece async for piece in door.stream(call("it", "please wait"))]
