"""The gate of a batch: nobody waits for ever, models take turns at most once a wave, and a call always leaves."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.budgets import Budget, Spend
from core.calls import Call
from core.clock import ManualClock
from core.errors import ConclaveError, UpstreamError
from core.ids import ExpertName, ModelName, RunId
from core.messages import Finish, FinishPiece, Message, Piece, Reply, Role, TextPiece
from core.purse import Purse
from core.usage import Usage
from experts.waves import PATIENCE_S, WaveGateway
from tests.fixtures.virtual_time import passed, run

REMOTE = "remote"
MODELS = ("m0", "m1", "m2", "m3")


@dataclass(frozen=True)
class Step:
    """One call: of whom, for how long, and whether it fails."""

    expert: str
    seconds: float = 1.0
    fails: bool = False


@dataclass(frozen=True)
class Program:
    """One line: waves of calls made at once, and when somebody cancels it all."""

    waves: list[list[Step]]
    thinks: float = 0.0
    cancelled_at: float | None = None


@dataclass
class Inner:
    """A gateway whose calls take the seconds they say; knows how many are under way, and who ever was at once."""

    steps: dict[str, Step] = field(default_factory=dict)
    under_way: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    together: set[frozenset[str]] = field(default_factory=set)

    async def stream(self, call: Call) -> AsyncGenerator[Piece, None]:
        step = self.steps[call.messages[0].text]
        self.under_way[step.expert] += 1
        self.most[step.expert] = max(self.most[step.expert], self.under_way[step.expert])
        self.together.add(frozenset(name for name, count in self.under_way.items() if count and name != REMOTE))
        try:
            yield TextPiece("well")
            await passed(step.seconds)
            if step.fails:
                raise UpstreamError("scripted to fail")
            yield FinishPiece(Finish.STOP, Usage())
        finally:
            self.under_way[step.expert] -= 1

    async def complete(self, call: Call) -> Reply:
        async with aclosing(self.stream(call)) as pieces:
            async for _ in pieces:
                pass
        return Reply("well", Finish.STOP, Usage())

    def ceiling(self, call: Call) -> Spend:
        return Spend(calls=1)

    def healthy(self, expert: ExpertName) -> str | None:
        return None


def model_of(expert: ExpertName) -> ModelName | None:
    return None if expert == REMOTE else ModelName(expert)


def gate_over(inner: Inner, room: int = 100) -> WaveGateway:
    return WaveGateway(inner, model_of, lambda _: room)


def call(inner: Inner, run_id: str, name: str, step: Step, purse: Purse | None = None) -> Call:
    """A call that the inner gateway plays as `step`."""
    inner.steps[name] = step
    purse = purse or Purse(Budget(), ManualClock(datetime(2026, 1, 1, tzinfo=UTC)))
    return Call(ExpertName(step.expert), (Message(Role.USER, name),), purse, RunId(run_id))


async def play(gate: WaveGateway, inner: Inner, number: int, program: Program) -> None:
    """Run one line to its end; a failed call ends no more than itself, as on a panel."""

    async def one(name: str, step: Step) -> None:
        with suppress(ConclaveError):
            async with aclosing(gate.stream(call(inner, str(number), name, step))) as pieces:
                async for _ in pieces:
                    pass

    async with gate.line(RunId(str(number))):
        for at, wave in enumerate(program.waves):
            await passed(program.thinks)
            await asyncio.gather(*(one(f"{number}.{at}.{seat}", step) for seat, step in enumerate(wave)))


async def play_all(gate: WaveGateway, inner: Inner, programs: list[Program]) -> None:
    tasks = [asyncio.create_task(play(gate, inner, number, program)) for number, program in enumerate(programs)]
    for task, program in zip(tasks, programs, strict=True):
        if program.cancelled_at is not None:
            asyncio.get_running_loop().call_later(program.cancelled_at, task.cancel)
    await asyncio.gather(*tasks, return_exceptions=True)


SECONDS = st.sampled_from([0.0, 0.005, 1.0, 7.0, 40.0])
STEPS = st.builds(Step, st.sampled_from([*MODELS, REMOTE]), SECONDS, st.booleans())
PROGRAMS = st.builds(
    Program,
    st.lists(st.lists(STEPS, min_size=1, max_size=4), max_size=4),
    thinks=st.sampled_from([0.0, 0.0, 0.02, 25.0]),
    cancelled_at=st.none() | st.sampled_from([0.0, 0.01, 0.5, 11.0, 60.0]),
)
HOSTED = st.builds(Step, st.sampled_from(MODELS), SECONDS, st.booleans())
HOSTED_PROGRAMS = st.builds(Program, st.lists(st.lists(HOSTED, min_size=1, max_size=4), min_size=1, max_size=5))


@given(st.lists(PROGRAMS, max_size=8), st.integers(1, 3))
def test_whatever_the_lines_do_all_of_them_end_and_the_gate_is_empty(programs: list[Program], room: int) -> None:
    inner = Inner()
    gate = gate_over(inner, room)

    run(play_all(gate, inner, programs))

    assert not any(gate._waiting.values())
    assert (gate._under_way, gate._thinking, gate._timer) == (0, 0, None)
    assert sum(inner.under_way.values()) == 0


@given(st.lists(PROGRAMS, max_size=8), st.integers(1, 3))
def test_only_one_model_serves_at_a_time_and_within_its_room(programs: list[Program], room: int) -> None:
    inner = Inner()

    run(play_all(gate_over(inner, room), inner, programs))

    assert all(len(names) <= 1 for names in inner.together)
    assert all(count <= room for name, count in inner.most.items() if name != REMOTE)


@given(st.lists(HOSTED_PROGRAMS, min_size=1, max_size=8), st.integers(1, 3))
def test_with_hosted_calls_only_a_model_is_opened_at_most_once_a_wave(programs: list[Program], room: int) -> None:
    inner = Inner()
    gate = gate_over(inner, room)

    run(play_all(gate, inner, programs))

    waves = max(len(program.waves) for program in programs)
    models = {step.expert for program in programs for wave in program.waves for step in wave}
    assert gate.switches <= len(models) * waves
    assert len(gate.calls) == sum(len(wave) for program in programs for wave in program.waves)


def test_panels_of_two_over_all_models_and_one_chair_switch_once_a_model() -> None:
    inner = Inner()
    gate = gate_over(inner)
    pairs = [(one, other) for one in MODELS for other in MODELS if one < other]
    programs = [Program([[Step(one), Step(other)], [Step("m0")]]) for one, other in pairs]

    run(play_all(gate, inner, programs))

    assert gate.switches == len(MODELS) + 1
    assert [call.wave for call in gate.calls] == sorted(call.wave for call in gate.calls)


def test_a_line_busy_elsewhere_keeps_nobody_waiting() -> None:
    inner = Inner()
    programs = [Program([[Step(REMOTE, 1000.0)]]), Program([[Step("m0")], [Step("m1")]])]
    gate = gate_over(inner)
    loop_done: list[float] = []

    async def scene() -> None:
        remote = asyncio.create_task(play(gate, inner, 0, programs[0]))
        await play(gate, inner, 1, programs[1])
        loop_done.append(asyncio.get_running_loop().time())
        await remote

    run(scene())
    assert loop_done[0] < 3.0


def test_a_line_that_thinks_on_keeps_the_gate_shut_no_longer_than_its_patience() -> None:
    inner = Inner()
    gate = gate_over(inner)
    ended: list[float] = []

    async def scene() -> None:
        slow = asyncio.create_task(play(gate, inner, 0, Program([[Step("m0")]], thinks=1000.0)))
        await play(gate, inner, 1, Program([[Step("m1")]]))
        ended.append(asyncio.get_running_loop().time())
        await slow

    run(scene())
    assert PATIENCE_S <= ended[0] < PATIENCE_S + 2


def test_a_call_that_fails_gives_its_place_to_the_next() -> None:
    inner = Inner()
    gate = gate_over(inner, room=1)
    programs = [Program([[Step("m0", 1.0, fails=True)]]), Program([[Step("m0")]]), Program([[Step("m0")]])]

    run(play_all(gate, inner, programs))

    assert len(gate.calls) == 3
    assert inner.most["m0"] == 1


@pytest.mark.parametrize("cancelled_at", [0.0, 0.005, 0.5, 1.5])
def test_a_cancelled_line_keeps_no_place_wherever_it_stood(cancelled_at: float) -> None:
    inner = Inner()
    gate = gate_over(inner, room=1)
    leaving = Program([[Step("m0", 1.0)], [Step("m1", 500.0)]], cancelled_at=cancelled_at)

    seconds = run(play_all(gate, inner, [leaving, Program([[Step("m0")]]), Program([[Step("m1")]])]))

    assert seconds < 10
    assert sum(inner.under_way.values()) == 0


def test_two_that_leave_in_the_same_moment_keep_nobody_waiting() -> None:
    inner = Inner()
    gate = gate_over(inner, room=1)
    ends: list[object] = []

    async def scene() -> None:
        calls = [gate.complete(call(inner, name, name, Step("m0", 1.0))) for name in "abc"]
        served, waiting, last = (asyncio.create_task(one) for one in calls)
        await passed(0.5)
        served.cancel()
        waiting.cancel()
        ends.extend(await asyncio.gather(served, waiting, last, return_exceptions=True))

    run(scene())
    assert [type(end) for end in ends] == [asyncio.CancelledError, asyncio.CancelledError, Reply]


def test_a_line_that_is_left_with_a_call_waiting_is_not_waited_for() -> None:
    inner = Inner()
    gate = gate_over(inner)

    async def scene() -> None:
        async with gate.line(RunId("a")):
            orphan = asyncio.create_task(gate.complete(call(inner, "a", "a", Step("m0"))))
            await asyncio.sleep(0)
        async with gate.line(RunId("b")):
            await asyncio.gather(orphan, gate.complete(call(inner, "b", "b", Step("m1"))))

    assert run(scene()) < PATIENCE_S
    assert gate._thinking == 0


def test_the_purse_stands_still_only_while_all_that_a_line_does_is_wait() -> None:
    inner, clock = Inner(), ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    purse = Purse(Budget(seconds=5), clock)
    gate = gate_over(inner, room=1)

    async def scene() -> None:
        async with gate.line(RunId("a")), gate.line(RunId("b")):
            waiting = asyncio.create_task(gate.complete(call(inner, "a", "a", Step("m0", 1.0), purse)))
            await asyncio.sleep(0)
            clock.advance(3600)
            served = asyncio.create_task(gate.complete(call(inner, "b", "b", Step("m0", 1.0))))
            await passed(0.5)
            clock.advance(2)
            await asyncio.gather(waiting, served)

    run(scene())
    assert purse.elapsed_s == pytest.approx(2)
