"""Promises about convening: the right steps in the right order, one answer, and money settled however it ends."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from agents.convening import Asked
from core.budgets import Budget, Spend
from core.errors import BudgetExceeded, Overloaded, RateLimited
from core.events import EventKind
from core.ids import ExpertName, RunId
from core.messages import Message, Role
from core.money import Micros, Price
from core.ports import Embedder, RunLog
from core.query import Constraints, Query
from core.runs import RunState
from core.usage import Usage
from tests.agents.hall import calculator, hall_of, key_of, says

_ARITHMETIC = "What is 17.5% of 2340?"
_OPEN = "Why does bread rise?"


async def test_an_arithmetic_question_is_answered_by_the_calculator_alone(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "about 400"), calculator(), runs=runs, embedder=embedder)

    answer = await hall.ask(_ARITHMETIC, k=1)

    assert answer.text == "409.5"
    assert [thought.expert for thought in answer.thoughts] == ["calculator"]
    assert answer.stop_reason == "confident"


async def test_every_step_is_told_in_order(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "Yeast."), says("two", "Yeast."), runs=runs, embedder=embedder)

    await hall.ask(_OPEN)

    kept = [kind for kind in hall.kinds() if kind is not EventKind.EXPERT_DELTA]
    assert kept[:3] == [EventKind.RUN_ADMITTED, EventKind.SKILLS_TAGGED, EventKind.PANEL_RECRUITED]
    assert kept[-4:] == [
        EventKind.VOTE_UPDATED, EventKind.ANSWER_DELTA, EventKind.ANSWER_FINAL, EventKind.RUN_SETTLED,
    ]  # fmt: skip


async def test_comparable_answers_are_voted_on(runs: RunLog, embedder: Embedder) -> None:
    experts = (says("one", "Paris"), says("two", "paris."), says("three", "Lyon"))
    hall = hall_of(*experts, runs=runs, embedder=embedder)

    answer = await hall.ask("What is the capital of France?")

    assert (answer.aggregation, answer.text) in {("vote", "Paris"), ("vote", "paris.")}
    assert hall.words() == answer.text


async def test_answers_that_cannot_be_compared_are_synthesised(runs: RunLog, embedder: Embedder) -> None:
    long = "Yeast eats the sugar in the dough and gives off gas, which is caught in the gluten."
    hall = hall_of(says("one", long), says("two", long + " It swells."), runs=runs, embedder=embedder)

    answer = await hall.ask(_OPEN)

    assert answer.aggregation == "synthesis"
    assert answer.usage.calls == 3
    assert hall.words() == answer.text


async def test_an_aggregator_that_the_query_excludes_is_not_asked(runs: RunLog, embedder: Embedder) -> None:
    long = "Yeast eats the sugar in the dough and gives off gas, which is caught in the gluten."
    hall = hall_of(says("one", long), says("two", long + " So."), says("chair", "No."), runs=runs, embedder=embedder)
    hall.pool = replace(hall.pool, aggregator_expert=ExpertName("chair"))

    await hall.ask(_OPEN, constraints=Constraints(exclude=frozenset({ExpertName("chair")})))

    assert {line.expert for line in hall.usage.lines} == {"one", "two"}


async def test_who_was_passed_over_steps_in_when_nobody_answers(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "", decline="not mine"), says("two", "Yeast."), runs=runs, embedder=embedder, k=1)

    answer = await hall.ask(_OPEN)

    assert answer.text == "Yeast."
    assert answer.decision is not None
    assert [seat.expert for seat in answer.decision.panel] == ["one", "two"]


async def test_a_run_nobody_answers_says_what_each_expert_said(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "", error="UpstreamError"), runs=runs, embedder=embedder)

    with pytest.raises(Overloaded, match="one: upstream_error"):
        await hall.ask(_OPEN)


async def test_a_request_that_cannot_be_afforded_spends_nothing(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "Yeast."), runs=runs, embedder=embedder)
    key = key_of(Budget(micros=Micros(10)))

    with pytest.raises(BudgetExceeded):
        await hall.ask(_OPEN, key=key, budget=Budget(micros=Micros(1_000)))

    assert not hall.usage.lines
    assert (await hall.ledger.state("key:k1")).spent == Spend()


async def test_a_run_that_was_refused_is_on_record(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "Yeast."), runs=runs, embedder=embedder)
    with pytest.raises(BudgetExceeded):
        await hall.ask(_OPEN, run="poor", key=key_of(Budget(micros=Micros(1))))

    await hall.service.aclose()

    run = await runs.run(RunId("poor"))
    assert (run.state, run.error_code) == (RunState.FAILED, "insufficient_budget")


async def test_what_was_used_is_settled_on_the_keys_account(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "Yeast."), says("two", "Gas."), runs=runs, embedder=embedder)

    answer = await hall.ask(_OPEN, key=key_of(Budget(micros=Micros(2_000_000))))

    state = await hall.ledger.state("key:k1")
    assert state.spent == answer.spend
    assert state.held == Spend()
    assert answer.spend.micros > 0


async def test_a_key_has_no_more_runs_at_once_than_it_may(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "", hang_after=0), runs=runs, embedder=embedder)
    key = key_of(concurrency=1)

    async with aclosing(hall.service.convene(Asked(RunId("first"), _query(), key), hall.pool)) as first:
        await anext(first)
        with pytest.raises(RateLimited):
            await hall.ask(_OPEN, run="second", key=key)


async def test_a_caller_that_leaves_cancels_the_experts_and_frees_the_hold(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "", hang_after=0), runs=runs, embedder=embedder)
    leaving = Asked(RunId("left"), _query(), key_of())

    async with aclosing(hall.service.convene(leaving, hall.pool)) as items:
        async for event in items:
            if getattr(event, "kind", None) is EventKind.EXPERT_CALLED:
                break
    await hall.service.aclose()

    assert (await hall.ledger.state("key:k1")).held == Spend()
    assert (await runs.run(RunId("left"))).state is RunState.CANCELLED


async def test_the_record_of_a_run_is_numbered_without_gaps_and_holds_no_words(
    runs: RunLog, embedder: Embedder
) -> None:
    hall = hall_of(says("one", "A secret word."), runs=runs, embedder=embedder)

    await hall.ask(_OPEN, run="kept")
    await hall.service.aclose()

    events = await runs.events(RunId("kept"))
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[-1].kind is EventKind.RUN_SETTLED
    assert "secret" not in str(events)


async def test_the_record_holds_no_words_of_a_refusal(runs: RunLog, embedder: Embedder) -> None:
    declining = says("one", "", decline="the canary is none of my business")
    hall = hall_of(declining, says("two", "Gas."), runs=runs, embedder=embedder)

    await hall.ask("Who is the canary?", run="refused")
    await hall.service.aclose()

    assert "canary" not in str(await runs.events(RunId("refused")))


async def test_a_free_expert_whose_fallback_has_a_price_is_paid_for(runs: RunLog, embedder: Embedder) -> None:
    free = replace(says("free", "", fault="status-500"), price=Price(), fallback=(ExpertName("dear"),))
    hall = hall_of(free, says("dear", "Gas."), runs=runs, embedder=embedder, k=1)
    pool = replace(hall.pool, experts=(ExpertName("free"),))

    with pytest.raises(BudgetExceeded):
        await replace(hall, pool=pool).ask(_OPEN, key=key_of(Budget(micros=Micros(1))))


async def test_the_one_who_combines_is_told_of_like_everybody_else(runs: RunLog, embedder: Embedder) -> None:
    long = "Yeast eats the sugar in the dough and gives off gas, which is caught in the gluten."
    hall = hall_of(says("one", long), says("two", long[::-1]), runs=runs, embedder=embedder)

    answer = await hall.ask(_OPEN)

    told = [event.data["role"] for event in hall.told if event.kind is EventKind.EXPERT_FINISHED]
    assert told == ["panel", "panel", "aggregator"]
    assert answer.usage == sum((thought.usage for thought in answer.thoughts), Usage())
    assert EventKind.VOTE_UPDATED not in hall.kinds()


async def test_a_budget_of_one_call_is_one_call(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "Yeast."), says("two", "Gas."), runs=runs, embedder=embedder)

    answer = await hall.ask(_OPEN, budget=Budget(calls=1))

    assert len(hall.usage.lines) == 1
    assert answer.usage.calls == 1


async def test_runs_share_one_graph_without_mixing(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "{question}"), runs=runs, embedder=embedder)

    answers = await asyncio.gather(*(hall.ask(f"Is it {n}?", run=f"run-{n}") for n in range(20)))

    assert [answer.text for answer in answers] == [f"Is it {n}?" for n in range(20)]


def _query() -> Query:
    return Query((Message(Role.USER, _OPEN),))
