"""Laws of the scheduling policies, on simulated hosts: the bounds that are promised, and that no time is wasted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.scheduling import POLICIES, Turns
from evals.bench.grouping_simulated import simulate
from evals.grouping.bounds import Promise
from evals.grouping.machine import Ask, Machine
from evals.grouping.measures import ahead_s
from evals.grouping.simulation import Simulation

_SECONDS = st.floats(0.05, 3.0)
_MACHINES = st.builds(
    Machine,
    load_s=st.floats(0.1, 6.0),
    speeds=st.sampled_from([(1.0,), (1.0, 1.0), (1.0, 1.2, 1.5, 1.6)]),
    resident=st.integers(1, 3),
)
_SHARES = st.floats(0.1, 1.0)


@st.composite
def requests(draw: st.DrawFn, callers: str = "abc") -> list[Ask]:
    """Requests for a few models, in bursts and pauses, each at most as long as what was announced."""
    asks, now = [], 0.0
    for _ in range(draw(st.integers(1, 60))):
        now += draw(st.sampled_from([0.0, 0.0, 0.1, 2.0, 30.0]))
        worst = draw(_SECONDS)
        asks.append(
            Ask(now, draw(st.sampled_from("wxyz")), draw(st.sampled_from(callers)), worst * draw(_SHARES), worst)
        )
    return asks


def most(asks: Sequence[Ask]) -> float:
    return max(ask.worst_s for ask in asks)


@settings(max_examples=300)
@given(asks=requests(), machine=_MACHINES, quantum_s=st.floats(0.1, 20.0))
def test_a_turn_starts_within_its_bound(asks: list[Ask], machine: Machine, quantum_s: float) -> None:
    promise = Promise(machine.load_s, most(asks), quantum_s, machine.slots, len({ask.model for ask in asks}))

    outcome = Simulation(Turns(), machine, asks, fixed_quantum_s=quantum_s).run()

    assert max(outcome.turn_waits) <= promise.turn_start_s() + 1e-6


@settings(max_examples=300)
@given(asks=requests(), machine=_MACHINES, over=st.floats(0.1, 20.0))
def test_a_request_waits_within_its_bound(asks: list[Ask], machine: Machine, over: float) -> None:
    quantum = most(asks) + over
    promise = Promise(machine.load_s, most(asks), quantum, machine.slots, len({ask.model for ask in asks}))
    callers = len({ask.caller for ask in asks})

    outcome = Simulation(Turns(), machine, asks, fixed_quantum_s=quantum).run()

    for number, ask in enumerate(asks):
        bound = promise.request_s(callers, ahead_s(asks, outcome.claimed, number))
        assert outcome.claimed[number] - ask.arrived <= bound + 1e-6


@given(asks=requests(), machine=_MACHINES, policy=st.sampled_from(sorted(POLICIES)))
def test_every_request_is_served_once_and_nothing_is_loaded_for_nothing(
    asks: list[Ask], machine: Machine, policy: str
) -> None:
    outcome = Simulation(POLICIES[policy], machine, asks).run()

    assert all(
        ask.arrived <= claimed < finished
        for ask, claimed, finished in zip(asks, outcome.claimed, outcome.finished, strict=True)
    )
    assert len({ask.model for ask in asks}) <= outcome.loads <= outcome.turns <= len(asks)


@given(asks=requests(), machine=_MACHINES)
def test_a_host_rests_only_when_nothing_waits(asks: list[Ask], machine: Machine) -> None:
    outcome = Simulation(Turns(), machine, asks).run()

    # Whatever happens between, it is loading or doing work at one second a second at least.
    busy = outcome.loads * machine.load_s + sum(ask.work_s for ask in asks)
    assert outcome.makespan <= asks[-1].arrived + busy + 1e-6


def test_in_order_of_arrival_nearly_every_request_pays_a_load_and_in_turns_each_model_pays_a_few() -> None:
    asks = [Ask(number * 1e-6, f"m{number * 5 % 8}", "a", 1.0, 1.0) for number in range(240)]
    machine = Machine(load_s=2.0, speeds=(1.0, 1.0))

    loads = {name: Simulation(policy, machine, asks).run().loads for name, policy in POLICIES.items()}

    assert loads["collate"] == 8
    assert loads["turns"] <= 3 * 8
    assert loads["fifo"] == 240


def test_one_hot_model_does_not_keep_the_others_waiting() -> None:
    hot = [Ask(number * 0.5, "hot", "a", 0.9, 0.9) for number in range(400)]
    asks = sorted([*hot, *(Ask(20.0 * n, "rare", "b", 0.9, 0.9) for n in range(10))], key=lambda ask: ask.arrived)

    longest = defaultdict[str, float](float)
    for name in ("collate", "turns"):
        outcome = Simulation(POLICIES[name], Machine(2.0, (1.0, 1.0)), asks).run()
        waits = [at - ask.arrived for at, ask in zip(outcome.claimed, asks, strict=True) if ask.model == "rare"]
        longest[name] = max(waits)

    assert longest["turns"] < 0.15 * longest["collate"]


@pytest.mark.parametrize("hosts", [2, 5])
def test_a_backlog_worth_a_load_brings_another_host(hosts: int) -> None:
    asks = [Ask(number * 1e-6, "m", "a", 1.0, 1.0) for number in range(100)]

    one = Simulation(Turns(), Machine(2.0, (1.0, 1.0)), asks).run()
    more = Simulation(Turns(), Machine(2.0, (1.0, 1.0), hosts=hosts), asks).run()

    assert (one.loads, more.loads) == (1, hosts)
    assert more.makespan < 1.3 * one.makespan / hosts + 2.0


def test_the_report_holds_every_policy_and_turns_keeps_its_promise_in_all_of_it() -> None:
    report = simulate(lambda _: None, fleet_requests=2_000)

    kinds = {(row["scenario"], row["resident"], row["policy"]) for row in report.rows}
    assert len(kinds) == len(report.rows) == 6 * 2 * len(POLICIES)
    assert all(row["late_turns"] == 0 for row in report.rows if row["policy"] == "turns")
    assert all(float(str(row["makespan_s"])) >= float(str(row["bound_s"])) - 0.01 for row in report.rows)
    assert [figure.name for figure in report.figures if figure.aim] != []
