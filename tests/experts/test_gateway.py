"""The gateway: what a call costs, who answers it, and what is learnt from how it went."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from core.budgets import Budget, Spend
from core.errors import (
    BudgetExceeded,
    ConclaveError,
    ContextTooLong,
    DeadlineExceeded,
    InternalError,
    InvalidRequest,
    MalformedStream,
    NotFound,
    UpstreamError,
    UpstreamRateLimited,
)
from core.experts import DataTerms, Kind
from core.ids import ExpertName
from core.messages import Message, Role, Sampling, TextPiece
from core.money import Micros
from core.query import Constraints
from experts.circuit import THRESHOLD
from experts.scripted import ScriptedTransport
from tests.experts.room import QUICK, Lines, all_of, call, gateway, spec, still

NAME = ExpertName("it")


def scripted(**options: Any) -> dict[str, Any]:
    return {"options": options}


async def ask(expert: Any, **fields: Any) -> tuple[Any, Lines, ScriptedTransport]:
    """Ask one scripted expert through a gateway; return its reply or error, the usage log and the transport."""
    usage, transport = Lines(), ScriptedTransport()
    door = gateway({Kind.SCRIPTED: transport}, expert, usage=usage)
    try:
        return await door.complete(call(expert.name, **fields)), usage, transport
    except ConclaveError as error:
        return error, usage, transport


async def test_a_call_is_paid_by_what_it_used_and_recorded_once() -> None:
    usage, paying = Lines(), call("it")
    door = gateway(
        {Kind.SCRIPTED: ScriptedTransport()}, spec("it", **scripted(input_tokens=30, output_tokens=20)), usage=usage
    )

    text, last = await all_of(door.stream(paying))

    line = usage.lines[0]
    assert text == "You asked: What is it?"
    assert paying.purse.spent == Spend(Micros(70), 50, 1)
    assert (len(usage.lines), line.micros, line.outcome, line.expert) == (1, 70, "ok", "it")
    assert (last.usage.input_tokens, last.usage.output_tokens) == (30, 20)


async def test_everything_is_settled_before_the_last_piece_is_handed_on() -> None:
    usage, paying = Lines(), call("it")
    door = gateway({Kind.SCRIPTED: ScriptedTransport()}, spec("it"), usage=usage)

    pieces = door.stream(paying)
    while isinstance(await anext(pieces), TextPiece):
        pass

    assert (paying.purse.spent.calls, len(usage.lines)) == (1, 1)
    await pieces.aclose()


async def test_a_call_beyond_the_budget_is_refused_before_it_is_made() -> None:
    error, usage, transport = await ask(spec("it"), budget=Budget(tokens=5))

    assert isinstance(error, BudgetExceeded)
    assert (usage.lines, transport.calls.total()) == ([], 0)


async def test_two_calls_at_once_cannot_both_take_the_last_of_a_budget() -> None:
    door = gateway({Kind.SCRIPTED: ScriptedTransport()}, spec("it"))
    paying = call("it", budget=Budget(calls=1))

    results = await asyncio.gather(door.complete(paying), door.complete(paying), return_exceptions=True)

    assert sorted(type(result).__name__ for result in results) == ["BudgetExceeded", "Reply"]


async def test_use_beyond_the_ceiling_is_charged_up_to_it_and_recorded_in_full() -> None:
    paying = call("it", sampling=Sampling(max_tokens=10))
    usage = Lines()
    door = gateway({Kind.SCRIPTED: ScriptedTransport()}, spec("it", **scripted(output_tokens=5000)), usage=usage)

    await door.complete(paying)

    assert paying.purse.spent.tokens < 200
    assert usage.lines[0].output_tokens == 5000


async def test_a_caller_that_leaves_pays_for_the_tokens_so_far() -> None:
    usage, transport, paying = Lines(), ScriptedTransport(), call("it")
    door = gateway({Kind.SCRIPTED: transport}, spec("it", target="stall"), usage=usage)

    pieces = door.stream(paying)
    await anext(pieces)
    await pieces.aclose()

    assert usage.lines[0].outcome == "cancelled"
    assert paying.purse.spent.tokens > 0
    assert transport.closed[NAME] == 1


async def test_a_cancelled_task_cancels_its_call_and_frees_what_it_held() -> None:
    usage, transport, paying = Lines(), ScriptedTransport(), call("it", budget=Budget(calls=2))
    door = gateway({Kind.SCRIPTED: transport}, spec("it", target="hang"), usage=usage)
    task = asyncio.create_task(door.complete(paying))
    await asyncio.sleep(0)

    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert (transport.closed[NAME], usage.lines[0].outcome) == (1, "cancelled")
    assert paying.purse.affords(Spend(calls=1))


async def test_a_failed_call_that_brought_nothing_costs_nothing() -> None:
    usage, paying = Lines(), call("it")
    door = gateway({Kind.SCRIPTED: ScriptedTransport()}, spec("it", target="fail"), usage=usage)

    with pytest.raises(UpstreamError):
        await door.complete(paying)

    assert paying.purse.spent == Spend()
    assert (usage.lines[0].outcome, usage.lines[0].micros) == ("upstream_error", 0)


async def test_a_stream_that_breaks_keeps_what_came_and_charges_for_it() -> None:
    paying = call("it")
    door = gateway({Kind.SCRIPTED: ScriptedTransport()}, spec("it", target="break", fallback=("other",)), spec("other"))

    pieces = door.stream(paying)
    await anext(pieces)
    await anext(pieces)
    with pytest.raises(MalformedStream):
        await anext(pieces)

    assert paying.purse.spent.tokens > 0


@pytest.mark.parametrize("target", ["fail", "hang", "limited", "break"])
async def test_a_fallback_answers_when_nothing_was_shown(target: str) -> None:
    asked = call("it")
    experts = [spec("it", target=target, fallback=("other",)), spec("other")]
    door = gateway({Kind.SCRIPTED: ScriptedTransport()}, *experts, deadlines=QUICK)

    reply = await door.complete(asked)

    assert reply.text.startswith("You asked")
    assert reply.served_by == "other"


async def test_an_expert_that_the_constraints_forbid_is_refused_and_not_called() -> None:
    transport = ScriptedTransport()
    door = gateway({Kind.SCRIPTED: transport}, spec("it"))

    with pytest.raises(InvalidRequest, match="excluded by the request"):
        await door.complete(call("it", constraints=Constraints(exclude=frozenset({ExpertName("it")}))))

    assert not transport.calls


@pytest.mark.parametrize(
    "constraints",
    [
        Constraints(exclude=frozenset({ExpertName("other")})),
        Constraints(without_families=frozenset({"gpt"})),
        Constraints(without_tags=frozenset({"licence:nc"})),
    ],
)
async def test_a_fallback_that_the_constraints_forbid_is_not_called(constraints: Constraints) -> None:
    other = spec("other", family="gpt", data=DataTerms(tags=frozenset({"licence:nc"})))
    door = gateway({Kind.SCRIPTED: ScriptedTransport()}, spec("it", target="fail", fallback=("other",)), other)

    with pytest.raises(UpstreamError):
        await door.complete(call("it", constraints=constraints))


async def test_fallbacks_are_tried_in_order_and_once_each() -> None:
    transport = ScriptedTransport()
    experts = [spec("it", target="fail", fallback=("a", "b")), spec("a", target="fail"), spec("b"), spec("c")]
    door = gateway({Kind.SCRIPTED: transport}, *experts)

    await all_of(door.stream(call("it")))

    assert dict(transport.calls) == {"it": 1, "a": 1, "b": 1}


async def test_the_budget_holds_across_fallbacks() -> None:
    door = gateway(
        {Kind.SCRIPTED: ScriptedTransport()},
        spec("it", target="hang", fallback=("other",)),
        spec("other"),
        deadlines=QUICK,
    )

    with pytest.raises(BudgetExceeded, match="after:"):
        await door.complete(call("it", budget=Budget(calls=1)))


async def test_a_dead_expert_is_left_alone_after_a_few_failures_and_says_so() -> None:
    transport, clock = ScriptedTransport(), still()
    door = gateway({Kind.SCRIPTED: transport}, spec("it", target="fail"), clock=clock)
    for _ in range(20):
        with pytest.raises(UpstreamError):
            await door.complete(call("it"))

    assert transport.calls[NAME] == THRESHOLD
    assert "failed too often" in (door.healthy(NAME) or "")

    clock.advance(60.0)
    assert door.healthy(NAME) is None


async def test_with_a_fallback_every_request_succeeds_while_the_primary_is_dead() -> None:
    transport = ScriptedTransport()
    door = gateway({Kind.SCRIPTED: transport}, spec("it", target="fail", fallback=("other",)), spec("other"))

    for _ in range(100):
        await door.complete(call("it"))

    assert transport.calls[NAME] <= 10


async def test_a_rate_limited_quota_is_not_touched_before_its_time_by_anybody() -> None:
    transport, clock = ScriptedTransport(), still()
    door = gateway({Kind.SCRIPTED: transport}, spec("it", target="limited"), clock=clock)
    for _ in range(9):
        with pytest.raises(UpstreamRateLimited):
            await door.complete(call("it"))

    assert transport.calls[NAME] == 1
    assert "asked us to wait" in (door.healthy(NAME) or "")


async def test_a_recovered_expert_is_healthy_again() -> None:
    door = gateway({Kind.SCRIPTED: ScriptedTransport()}, spec("it", target="recover"))
    with pytest.raises(UpstreamError):
        await door.complete(call("it"))

    await door.complete(call("it"))

    health = door.health(NAME)
    assert (door.healthy(NAME), health.calls) == (None, 2)
    assert 0.0 < health.success < 1.0


async def test_a_deadline_brought_forward_by_the_callers_budget_is_not_the_experts_fault() -> None:
    door = gateway({Kind.SCRIPTED: ScriptedTransport()}, spec("it", target="hang"))
    for _ in range(THRESHOLD + 1):
        with pytest.raises(DeadlineExceeded):
            await door.complete(call("it", budget=Budget(seconds=0.02)))

    assert door.healthy(NAME) is None


async def test_messages_that_cannot_fit_are_refused_without_a_call() -> None:
    error, usage, transport = await ask(spec("it", context=50), text="word " * 500)

    assert isinstance(error, ContextTooLong)
    assert (usage.lines, transport.calls.total()) == ([], 0)


async def test_the_persona_speaks_first_unless_the_caller_brings_their_own() -> None:
    expert = spec("it", system="You are brief.", **scripted(reply="{system}"))
    messages = (Message(Role.SYSTEM, "Be kind."), Message(Role.USER, "hello"))

    alone, *_ = await ask(expert)
    both, *_ = await ask(expert, messages=messages)
    passed, *_ = await ask(expert, messages=messages, persona=False)

    assert [alone.text, both.text, passed.text] == ["You are brief.", "You are brief.\n\nBe kind.", "Be kind."]


async def test_a_refusal_to_answer_is_an_answer_and_not_a_failure() -> None:
    reply, usage, _ = await ask(spec("it", target="decline", fallback=("other",)))

    assert reply.declined == "it is not a question for me"
    assert usage.lines[0].outcome == "declined"


async def test_an_unknown_expert_is_named_with_near_ones() -> None:
    door = gateway({Kind.SCRIPTED: ScriptedTransport()}, spec("coder"))

    with pytest.raises(NotFound, match='did you mean "coder"'):
        await door.complete(call("codr"))


async def test_a_defect_in_a_transport_becomes_a_typed_error() -> None:
    class Broken:
        def stream(self, *_: Any) -> Any:
            raise ZeroDivisionError

    paying = call("it", budget=Budget(calls=1))
    door = gateway({Kind.SCRIPTED: Broken()}, spec("it"))

    with pytest.raises(InternalError):
        await all_of(door.stream(paying))
    assert paying.purse.affords(Spend(calls=1))
