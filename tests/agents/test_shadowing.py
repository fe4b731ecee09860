"""A shadow asks whom the constants would have asked, leaves samples, and costs nobody anything but its allowance."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.allowance import Allowance
from core.experts import ExpertSpec
from core.ids import ExpertName, PoolName
from core.messages import ToolSpec
from core.money import FREE, Micros, Price
from core.pools import Shadow
from core.ports import Embedder, RunLog
from core.shadows import Sample
from tests.agents.hall import Hall, hall_of, key_of, says
from tests.routing.pool import profile, profile_set

ASKED = "Which city is the capital of France?\nA. Lyon\nB. Paris"
ALL = Shadow(share=1.0, spend=1.0)
STRONG = ExpertName("strong")
POOLS = ("hall", "shadow/hall")
ABLE = frozenset({"chat", "tools"})
# Of experts that cost nothing the quickest is the cheapest.
SLOW = replace(profile("strong", trivia=(19, 1)), mean_latency_s=9.0)
RECORDS = profile_set(profile("weak", trivia=(8, 12)), SLOW)


def free(expert: ExpertSpec) -> ExpertSpec:
    """The expert without a price."""
    return replace(expert, price=Price())


def paid(expert: ExpertSpec, micros: int) -> ExpertSpec:
    """The expert at so much a call."""
    return replace(expert, price=Price(per_call=micros))


def weak(reply: str = "Answer: A", **options: object) -> ExpertSpec:
    """The cheapest expert, mostly wrong."""
    return free(says("weak", reply, **options))


def strong(reply: str = "Answer: B", **options: object) -> ExpertSpec:
    """The best single expert, nearly always right."""
    return free(says("strong", reply, **options))


class Kept:
    """A shadow log that keeps its samples in memory."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []

    async def add(self, samples: Sequence[Sample]) -> None:
        self.samples += samples

    async def of(self, pool: PoolName, since: datetime) -> Sequence[Sample]:
        return [sample for sample in self.samples if sample.pool == pool and sample.at >= since]


class Open(Protocol):
    """Opens a hall whose router is `cheapest`, and all of whose answers are shadowed, unless terms say otherwise."""

    def __call__(self, *experts: ExpertSpec, **terms: Any) -> Hall: ...


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def opened(runs: RunLog, embedder: Embedder, kept: Kept) -> Open:
    usual: dict[str, Any] = {"router": "cheapest", "shadow": ALL, "profiles": RECORDS}

    def hall(*experts: ExpertSpec, **terms: Any) -> Hall:
        return hall_of(*experts, runs=runs, embedder=embedder, shadows=kept, **(usual | terms))

    return hall


async def over(hall: Hall) -> None:
    """Return once no shadow is under way."""
    assert hall.shadowing is not None
    async with asyncio.timeout(20):
        await hall.shadowing.settled()


async def called(hall: Hall, times: int) -> None:
    """Return once the strong expert was called so often."""
    async with asyncio.timeout(20):
        while hall.scripted.calls[STRONG] < times:  # noqa: ASYNC110  # a script tells nobody that it was called
            await asyncio.sleep(0)


async def test_a_shadow_asks_whom_the_constants_would_have_asked_and_leaves_samples(opened: Open, kept: Kept) -> None:
    hall = opened(weak(), strong())

    answer = await hall.ask(ASKED)
    await over(hall)

    found = {sample.constant: sample for sample in kept.samples}
    assert (answer.text, hall.scripted.calls) == ("Answer: A", {"weak": 1, "strong": 1})
    assert set(found) == {"best_single", "random"}
    assert 0 < found["best_single"].gain <= 1
    assert (found["best_single"].router, found["best_single"].run_id) == ("cheapest", answer.run_id)


async def test_a_constant_that_agrees_gains_nothing(opened: Open, kept: Kept) -> None:
    hall = opened(weak("Answer: B"), strong())

    await hall.ask(ASKED)
    await over(hall)

    assert {sample.gain for sample in kept.samples} == {0.0}


@pytest.mark.parametrize("trouble", [{"error": "UpstreamError"}, {"decline": "not mine"}])
async def test_a_constant_that_does_not_answer_was_wrong(opened: Open, kept: Kept, trouble: dict[str, str]) -> None:
    hall = opened(weak(), strong("", **trouble))

    await hall.ask(ASKED)
    await over(hall)

    (best,) = (sample for sample in kept.samples if sample.constant == "best_single")
    assert best.gain < 0


async def test_where_options_are_offered_words_of_ones_own_are_wrong(opened: Open, kept: Kept) -> None:
    hall = opened(weak(), strong("It is hard to say, for every city has its charm."))

    await hall.ask(ASKED)
    await over(hall)

    assert min(sample.gain for sample in kept.samples) < 0


async def test_nobody_is_asked_twice(opened: Open, kept: Kept) -> None:
    hall = opened(weak(), strong(), router="panel", k=2)

    await hall.ask(ASKED)
    await over(hall)

    assert hall.scripted.calls == {"weak": 1, "strong": 1}
    assert {sample.constant for sample in kept.samples} == {"best_single", "cheapest", "random"}


async def test_no_key_pays_for_a_shadow_and_its_calls_are_on_record_as_its_own(opened: Open) -> None:
    hall = opened(weak(), strong())

    answer = await hall.ask(ASKED, key=key_of())
    await over(hall)

    lines = {line.expert: (line.pool, line.key_id) for line in hall.usage.lines}
    assert lines == {"weak": ("hall", "k1"), "strong": ("shadow/hall", None)}
    assert (await hall.ledger.state("key:k1")).spent == answer.spend


async def test_nothing_is_asked_beyond_what_may_be_spent(opened: Open, kept: Kept) -> None:
    hall = opened(paid(weak(), 1_000), paid(strong(), 2_000), shadow=Shadow(share=1.0, spend=0.01))

    for number in range(3):
        await hall.ask(ASKED, run=f"poor-{number}")
        await over(hall)

    assert hall.scripted.calls[STRONG] == 0
    assert kept.samples == []


async def test_what_shadows_cost_stays_within_their_share_of_what_runs_cost(opened: Open) -> None:
    hall = opened(paid(weak(), 1_000), paid(strong(), 2_000), shadow=Shadow(share=1.0, spend=0.5))

    for number in range(20):
        await hall.ask(ASKED, run=f"rich-{number}")
        await over(hall)

    runs, shadows = (sum(line.micros for line in hall.usage.lines if line.pool == pool) for pool in POOLS)
    assert runs == 20_000
    assert 8_000 <= shadows <= runs / 2


async def test_an_answer_is_there_before_its_shadow_is(opened: Open, kept: Kept) -> None:
    hall = opened(weak(), strong("", hang_after=0))

    async with asyncio.timeout(20):
        answer = await hall.ask(ASKED)

    assert (answer.text, kept.samples) == ("Answer: A", [])


async def test_closing_ends_the_shadows_under_way_and_leaves_no_sample(opened: Open, kept: Kept) -> None:
    hall = opened(weak(), strong("", hang_after=0))
    await hall.ask(ASKED)
    await called(hall, 1)
    await hall.service.aclose()

    assert hall.scripted.closed[STRONG] == 1
    assert kept.samples == []


async def test_shadows_that_find_no_place_are_skipped(opened: Open) -> None:
    hall = opened(weak(), strong("", hang_after=0))

    for number in range(6):
        await hall.ask(ASKED, run=f"full-{number}")
    await called(hall, 4)
    await hall.service.aclose()

    assert hall.scripted.calls == {"weak": 6, "strong": 4}


@pytest.mark.parametrize(
    ("question", "terms"),
    [
        ("Why does bread rise?", {}),
        (ASKED, {"tools": (ToolSpec("search"),)}),
    ],
)
async def test_what_cannot_be_compared_is_not_shadowed(opened: Open, question: str, terms: dict[str, Any]) -> None:
    able = replace(weak("Yeast eats sugar and gives off gas, which is caught in the dough."), abilities=ABLE)
    hall = opened(able, strong())

    await hall.ask(question, **terms)
    await over(hall)

    assert hall.scripted.calls == {"weak": 1}


async def test_a_pool_without_a_share_has_no_shadows(opened: Open) -> None:
    hall = opened(weak(), strong(), shadow=Shadow())

    await hall.ask(ASKED)
    await over(hall)

    assert hall.scripted.calls == {"weak": 1}


async def test_while_a_constant_stands_in_the_router_is_asked_as_it_would_have_been(opened: Open, kept: Kept) -> None:
    shadow = replace(ALL, fall_back=True)
    hall = opened(weak(), strong(), router="best_single", shadow=shadow, stand_in="cheapest")

    answer = await hall.ask(ASKED)
    await over(hall)

    found = {sample.constant: sample for sample in kept.samples}
    assert answer.decision is not None
    assert (answer.decision.router, answer.text) == ("cheapest", "Answer: A")
    assert found["cheapest"].router == "best_single"
    assert found["cheapest"].gain < 0


async def test_a_router_of_several_voices_is_heard_in_full_while_a_constant_stands_in(opened: Open, kept: Kept) -> None:
    shadow = replace(ALL, fall_back=True)
    third = free(says("third", "Answer: B"))
    hall = opened(weak(), strong(), third, router="conclave", shadow=shadow, stand_in="cheapest")

    await hall.ask(ASKED)
    await over(hall)

    assert hall.scripted.calls[STRONG] == 1
    assert {sample.router for sample in kept.samples} == {"conclave"}
    assert {"best_single", "cheapest"} <= {sample.constant for sample in kept.samples}


@given(st.floats(0, 1), st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100))))
def test_whatever_happens_no_allowance_is_overspent(share: float, happenings: list[tuple[int, int, int]]) -> None:
    allowance = Allowance(share)
    held: list[Micros] = []
    for earned, ceiling, actual in happenings:
        allowance.earn(Micros(earned))
        if allowance.hold(Micros(ceiling)):
            held.append(Micros(ceiling))
        if held and actual % 2:
            allowance.settle(held.pop(0), Micros(actual))

        assert allowance.spent + allowance.held <= share * allowance.earned
        assert allowance.held == sum(held)


def test_what_is_free_needs_no_allowance() -> None:
    assert Allowance(0.0).hold(FREE)
