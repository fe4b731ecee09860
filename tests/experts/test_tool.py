"""Tools as experts: they answer, decline, and never hold up the event loop."""

from __future__ import annotations

import asyncio
from threading import Event

import pytest

from core.budgets import Spend
from core.errors import ConfigurationError, InternalError, Overloaded
from core.experts import Kind
from core.ids import ExpertName
from experts.tool import THREADS, ThreadedTool, ToolAnswer, ToolDeclined, ToolTransport
from tests.experts.room import Lines, all_of, call, gateway, spec


def add(question: str) -> ToolAnswer | ToolDeclined:
    left, plus, right = question.partition("+")
    return ToolAnswer(str(int(left) + int(right))) if plus else ToolDeclined("it is not a sum")


SUM = spec("sum", Kind.TOOL, "adder")


async def test_a_tool_answers_the_last_question_exactly_and_for_nothing() -> None:
    paying, usage = call("sum", "17+25"), Lines()
    door = gateway({Kind.TOOL: ToolTransport({"adder": ThreadedTool(add)})}, SUM, usage=usage)

    text, last = await all_of(door.stream(paying))

    assert (text, last.confidence, last.usage.total_tokens) == ("42", 1.0, 0)
    assert paying.purse.spent == Spend(calls=1)
    assert usage.lines[0].outcome == "ok"


async def test_a_tool_declines_what_is_not_for_it() -> None:
    door = gateway({Kind.TOOL: ToolTransport({"adder": ThreadedTool(add)})}, SUM)

    reply = await door.complete(call("sum", "Who are you?"))

    assert (reply.declined, reply.text, reply.usage.calls) == ("it is not a sum", "", 1)


async def test_a_computation_that_takes_too_long_is_declined() -> None:
    over = Event()
    tool = ThreadedTool(lambda _: ToolAnswer(str(over.wait(10))), deadline_s=0.05)

    answer = await tool.answer("?")

    over.set()
    assert answer == ToolDeclined("it takes longer than 0.05 s to compute")


async def test_stuck_computations_never_take_more_than_their_few_threads() -> None:
    over = Event()
    tool = ThreadedTool(lambda _: ToolAnswer(str(over.wait(10))), deadline_s=0.05)
    await asyncio.gather(*(tool.answer("?") for _ in range(THREADS)))

    with pytest.raises(Overloaded):
        await tool.answer("?")
    over.set()


async def test_more_questions_than_threads_are_all_answered() -> None:
    tool = ThreadedTool(add)

    answers = await asyncio.gather(*(tool.answer(f"{number}+1") for number in range(50)))

    assert answers == [ToolAnswer(str(number + 1)) for number in range(50)]


async def test_a_tool_that_breaks_is_a_typed_error() -> None:
    door = gateway({Kind.TOOL: ToolTransport({"adder": ThreadedTool(add)})}, SUM)

    with pytest.raises(InternalError):
        await door.complete(call("sum", "one+two"))


async def test_a_tool_that_is_not_installed_is_not_healthy() -> None:
    door = gateway({Kind.TOOL: ToolTransport({})}, SUM)

    assert door.healthy(ExpertName("sum")) == "no tool adder is installed"
    with pytest.raises(ConfigurationError):
        await door.complete(call("sum"))
