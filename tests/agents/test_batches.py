"""A batch's lines are ordinary runs: bounded in number, each with an outcome, none outliving its reader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

import pytest

from agents.batches import Batch, BatchItem
from agents.convening import Asked
from agents.service import ConveningService
from core.answers import Answer
from core.budgets import Budget, Spend
from core.calls import Call
from core.clock import SystemClock
from core.errors import ConclaveError
from core.ids import ExpertName, RunId
from core.messages import Message, Piece, Reply, Role
from core.pools import PoolSpec
from core.ports import Embedder, Gateway, RunLog
from core.query import Query
from tests.agents.hall import Hall, hall_of, says


@dataclass(frozen=True)
class Line:
    """A line of a test."""

    item: BatchItem


class Turnstile:
    """A gate that lets everybody through and counts."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.empty = asyncio.Event()

    @asynccontextmanager
    async def line(self, run_id: RunId) -> AsyncIterator[None]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            yield
        finally:
            self.inside -= 1
            if not self.inside:
                self.empty.set()


class Listening:
    """A gateway that keeps the calls it hands on."""

    def __init__(self, inner: Gateway) -> None:
        self.inner = inner
        self.heard: list[Call] = []

    async def stream(self, call: Call) -> AsyncGenerator[Piece, None]:
        self.heard.append(call)
        async with aclosing(self.inner.stream(call)) as pieces:
            async for piece in pieces:
                yield piece

    async def complete(self, call: Call) -> Reply:
        self.heard.append(call)
        return await self.inner.complete(call)

    def ceiling(self, call: Call) -> Spend:
        return self.inner.ceiling(call)

    def healthy(self, expert: ExpertName) -> str | None:
        return self.inner.healthy(expert)


def line(at: int, target: PoolSpec | ExpertName, text: str = "How so?", **terms: object) -> Line:
    query = Query((Message(Role.USER, text),), **terms)  # type: ignore[arg-type]  # terms are a test's own
    return Line(BatchItem(Asked(RunId(f"run-{at}"), query), target))


def batch_of(hall: Hall, gate: Turnstile, at_once: int = 3) -> Batch[Line]:
    return Batch(hall.service, gate, SystemClock(), at_once)


async def test_every_line_has_one_outcome_and_few_are_under_way(runs: RunLog, embedder: Embedder) -> None:
    hall, gate = hall_of(says("one", "About {question}"), runs=runs, embedder=embedder), Turnstile()
    lines = [line(at, hall.pool, f"question {at}") for at in range(100)]

    outcomes = {one: outcome async for one, outcome in batch_of(hall, gate).run(lines)}

    results = [outcomes[one].result for one in lines]
    assert [r.text for r in results if isinstance(r, Answer)] == [f"About question {at}" for at in range(100)]
    assert (gate.most, gate.inside) == (3, 0)


async def test_a_line_that_fails_says_why_and_what_it_used(runs: RunLog, embedder: Embedder) -> None:
    breaking = says("breaking", "Some words.", error="MalformedStream", error_after=2)
    hall = hall_of(breaking, runs=runs, embedder=embedder)

    [(_, outcome)] = [one async for one in batch_of(hall, Turnstile()).run([line(1, hall.pool)])]

    assert isinstance(outcome.result, ConclaveError)
    assert outcome.spent > 0


async def test_a_reader_that_leaves_ends_everything(runs: RunLog, embedder: Embedder) -> None:
    quick, silent = says("quick", "Yes."), says("silent", "", hang_after=0)
    hall, gate = hall_of(quick, silent, runs=runs, embedder=embedder), Turnstile()
    lines = [line(at, ExpertName(name)) for at, name in enumerate(["silent", "quick", "silent"])]

    async with aclosing(batch_of(hall, gate).run(lines)) as outcomes:
        async for _ in outcomes:
            break

    assert gate.inside == 0
    assert hall.scripted.closed[ExpertName("silent")] == 2


async def test_a_reader_that_leaves_a_full_queue_is_not_waited_for(runs: RunLog, embedder: Embedder) -> None:
    hall, gate = hall_of(says("quick", "Yes."), runs=runs, embedder=embedder), Turnstile()
    lines = [line(at, ExpertName("quick")) for at in range(200)]

    async with asyncio.timeout(30), aclosing(batch_of(hall, gate, 200).run(lines)) as outcomes:
        await anext(outcomes)
        await gate.empty.wait()

    assert gate.inside == 0


async def test_every_call_of_a_line_gives_way_to_interactive_ones(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "Red it is."), says("two", "No, blue."), runs=runs, embedder=embedder)
    gateway = Listening(hall.service._gateway)
    service = ConveningService(
        gateway=gateway,
        recruiter=hall.service._recruiter,
        ledger=hall.ledger,
        runs=runs,
        experts=hall.service._experts,
        clock=SystemClock(),
        keep_words=False,
    )
    lines = [line(0, replace(hall.pool, aggregator="synthesis")), line(1, ExpertName("one"))]

    batch: Batch[Line] = Batch(service, Turnstile(), SystemClock(), 2)
    outcomes = [outcome async for _, outcome in batch.run(lines)]
    await service.aclose()

    assert not any(isinstance(outcome.result, ConclaveError) for outcome in outcomes)
    assert [call.batch for call in gateway.heard] == [True] * 4


@pytest.mark.parametrize(("own", "seconds"), [(None, 86_400.0), (30.0, 30.0)])
async def test_a_line_has_its_own_seconds_and_not_those_of_the_pool(
    own: float | None, seconds: float, runs: RunLog, embedder: Embedder
) -> None:
    hall = hall_of(says("one", "Yes."), runs=runs, embedder=embedder, budget=Budget(seconds=1))
    gateway = Listening(hall.service._gateway)
    hall.service._gateway = gateway

    asked = line(1, hall.pool, budget=Budget(seconds=own))
    [_] = [one async for one in batch_of(hall, Turnstile()).run([asked])]

    assert [call.purse.budget.seconds for call in gateway.heard] == [seconds]
