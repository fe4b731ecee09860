"""`bench grouping --simulate`: the scheduling policies on simulated hosts, against the least any policy could need."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.messages import Json
from core.scheduling import POLICIES, TURN_IN_SWITCHES, Turns
from evals.grouping import arrivals
from evals.grouping.bounds import Promise
from evals.grouping.machine import Ask, Machine
from evals.grouping.measures import jain
from evals.grouping.simulation import Outcome, Simulation
from evals.reports import Figure, Report, percentile

Say = Callable[[str], None]

_MODELS = 8
_REQUESTS = 240
_SEED = 7
# About Qwen2.5-Coder-0.5B on two cores: 64 tokens at 44 a second, a load of 1.6 s, no gain from batching.
_WORK_S = 64 / 44
_SMALL = Machine(load_s=1.6, speeds=(1.0, 1.0, 1.0, 1.0), resident=1)
_MEDIUM = Machine(load_s=1.6, speeds=(1.0, 1.0, 1.0, 1.0), resident=3)
_FLEET = Machine(load_s=4.8, speeds=(1.0, 1.1, 1.3, 1.4), resident=1, hosts=1_000)
_FLEET_MODELS, _FLEET_REQUESTS, _FLEET_LOAD = 200, 1_000_000, 0.8


@dataclass(frozen=True, slots=True)
class Scenario:
    """Requests and the machine they come to."""

    name: str
    machine: Machine
    asks: list[Ask]

    @property
    def bound_s(self) -> float:
        """Return the least makespan: each model loaded once (one load where others overlap), all work at best speed."""
        loads = len({ask.model for ask in self.asks}) if self.machine.resident == 1 else 1
        work_s = sum(ask.work_s for ask in self.asks) / self.machine.speeds[-1]
        return max(loads * self.machine.load_s + work_s, self.asks[-1].arrived)


async def bench_grouping_simulated(say: Say) -> Report:
    """Return the report; `say` is told what is being simulated."""
    return await asyncio.to_thread(simulate, say, _FLEET_REQUESTS)


def simulate(say: Say, fleet_requests: int) -> Report:
    """Return the report, with so many requests for the fleet of hosts."""
    rows: list[dict[str, Json]] = []
    for scenario in _scenarios():
        for policy in POLICIES:
            say(f"{scenario.name}, {scenario.machine.resident} of {_MODELS} in memory: {policy}")
            outcome = Simulation(POLICIES[policy], scenario.machine, scenario.asks).run()
            rows.append(_row(scenario, policy, outcome))
    say(_fleet_words(fleet_requests))
    fleet = _fleet(fleet_requests)
    return Report("grouping-simulated", (*_figures(rows), *fleet), tuple(rows))


def _scenarios() -> list[Scenario]:
    made: list[Scenario] = []
    for machine in (_SMALL, _MEDIUM):
        rng = random.Random(_SEED)
        made += [
            Scenario("all at once", machine, arrivals.all_at_once(rng, _MODELS, _REQUESTS, _WORK_S)),
            Scenario("spread", machine, arrivals.spread(rng, machine, _MODELS, _REQUESTS, _WORK_S)),
            Scenario("bursty", machine, arrivals.bursty(rng, machine, _MODELS, _REQUESTS, _WORK_S)),
            Scenario("skewed", machine, arrivals.skewed(rng, machine, _MODELS, _REQUESTS, _WORK_S)),
            Scenario("one hot", machine, arrivals.one_hot(rng, machine, _MODELS, 600, _WORK_S)),
            Scenario("flooded", machine, arrivals.flooded(_REQUESTS // 2, _WORK_S)),
        ]
    return made


def _row(scenario: Scenario, policy: str, outcome: Outcome) -> dict[str, Json]:
    waits = [at - ask.arrived for at, ask in zip(outcome.claimed, scenario.asks, strict=True)]
    rare = [wait for wait, ask in zip(waits, scenario.asks, strict=True) if ask.caller == "rare"]
    return {
        "scenario": scenario.name,
        "resident": scenario.machine.resident,
        "policy": policy,
        "makespan_s": round(outcome.makespan, 2),
        "bound_s": round(scenario.bound_s, 2),
        "loads": outcome.loads,
        "turns": outcome.turns,
        "wait_p50_s": round(percentile(waits, 0.5), 2),
        "wait_p99_s": round(percentile(waits, 0.99), 2),
        "wait_max_s": round(max(waits), 2),
        "rare_wait_max_s": round(max(rare), 2) if rare else None,
        "late_turns": _late_turns(scenario, outcome),
        "jain": round(jain(scenario.asks, outcome.claimed), 4),
    }


def _late_turns(scenario: Scenario, outcome: Outcome) -> int:
    """Return how many turns began later than `core.scheduling.Turns` promises, with the quantum at its largest."""
    machine = scenario.machine
    longest = max(ask.worst_s for ask in scenario.asks)
    quantum_s = TURN_IN_SWITCHES * (machine.load_s + machine.slots * longest)
    promise = Promise(machine.load_s, longest, quantum_s, machine.slots, len({ask.model for ask in scenario.asks}))
    return sum(wait > promise.turn_start_s() for wait in outcome.turn_waits)


def _figures(rows: Sequence[dict[str, Json]]) -> tuple[Figure, ...]:
    def of(scenario: str, policy: str, column: str) -> float:
        row = next(r for r in rows if (r["scenario"], r["policy"], r["resident"]) == (scenario, policy, 1))
        return float(str(row[column]))

    fifo, turns, bound = (
        of("all at once", "fifo", "makespan_s"),
        of("all at once", "turns", "makespan_s"),
        of("all at once", "turns", "bound_s"),
    )
    hot = of("one hot", "turns", "makespan_s") / of("one hot", "turns", "bound_s")
    rare = of("one hot", "turns", "rare_wait_max_s") / of("one hot", "collate", "rare_wait_max_s")
    late = sum(int(str(row["late_turns"])) for row in rows if row["policy"] == "turns")
    return (
        Figure("all at once: makespan of turns", round(turns / bound, 3), "of the bound", "<= 1.10", "bound"),
        Figure("all at once: gain", round((fifo - turns) / (fifo - bound), 3), "of fifo - bound", ">= 0.90", "fifo"),
        Figure("one hot model: makespan of turns", round(hot, 3), "of the bound", "<= 1.15", "bound"),
        Figure("one hot model: longest wait of the others", round(rare, 3), "of collate's", "<= 0.15", "collate"),
        *(
            Figure(
                f"{name}: p99 wait of turns",
                round(of(name, "turns", "wait_p99_s") / of(name, "collate", "wait_p99_s"), 3),
                "of collate's",
                "<= 1.25",
                "collate",
            )
            for name in ("spread", "bursty", "skewed")
        ),
        Figure("turns that began later than promised", late, "turns", "<= 0"),
        Figure("two backlogged callers of one model", of("flooded", "turns", "jain"), "Jain's index", ">= 0.95"),
    )


def _fleet_words(requests: int) -> str:
    return f"{_FLEET.hosts:,} hosts, {_FLEET_MODELS} models, {requests:,} requests"


def _fleet(requests: int) -> tuple[Figure, ...]:
    rng = random.Random(_SEED)
    asks = arrivals.spread(rng, _FLEET, _FLEET_MODELS, requests, _WORK_S, _FLEET_LOAD)
    began = time.perf_counter()
    outcome = Simulation(Turns(), _FLEET, asks).run()
    took = time.perf_counter() - began
    waits = [at - ask.arrived for at, ask in zip(outcome.claimed, asks, strict=True)]
    what = _fleet_words(requests)
    return (
        Figure(f"{what}: simulated in", round(took, 1), "s"),
        Figure(f"{what}: a request", round(took / requests * 1e6, 1), "us"),
        Figure(f"{what}: p99 wait", round(percentile(waits, 0.99), 2), "s"),
    )
