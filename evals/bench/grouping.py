"""`bench grouping`: the scheduling policies on one real host, the same requests, against the least that is possible.

Eight models of real weights share memory for one of them (or three). The bound loads each once and does all work at the
best rate measured in the same run.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.hosting import work_of
from core.messages import Json
from core.scheduling import POLICIES
from evals.bench.stage import Stage
from evals.bench.yard import PROMPT_TOKENS, QWEN, REPLY_TOKENS, SMOLLM2, Ordered, Served, Weights, Yard, configuration
from evals.grouping import arrivals
from evals.grouping.bounds import Promise
from evals.grouping.machine import Ask, Machine
from evals.grouping.measures import ahead_s, jain
from evals.reports import Figure, Report, median, percentile

Say = Callable[[str], None]

_SEED = 7
_REQUESTS = 240
_MODELS: Mapping[str, Weights] = {f"m{number}": SMOLLM2 if number < 7 else QWEN for number in range(8)}
# What a model is taken to need, and so much for one and for three of them.
_RESERVE, _ROOM = "700MiB", {1: "750MiB", 3: "2150MiB"}
_ALL = ("fifo", "collate", "turns")
_GROUPING = ("collate", "turns")


@dataclass(frozen=True, slots=True)
class Costs:
    """What was measured before anything was compared: seconds of a load and of a request at the best rate."""

    load_s: Mapping[Weights, float]
    request_s: Mapping[Weights, float]

    def work_s(self, model: str) -> float:
        """Return the seconds a request of this model takes at its best rate."""
        return self.request_s[_MODELS[model]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Requests, the models memory holds, and the policies that serve them."""

    name: str
    resident: int
    policies: tuple[str, ...]
    asks: list[Ask]


async def bench_grouping(say: Say, requests: int = _REQUESTS) -> Report:
    """Return the report; `say` is told what is being served. Takes about forty minutes on two cores."""
    with Stage(configuration(_MODELS, memory=_ROOM[1], reserve=_RESERVE)) as stage:
        yard = Yard(stage)
        try:
            costs = await _measured(yard, say)
            done: list[tuple[Scenario, str, Served]] = []
            for scenario in _scenarios(costs, requests):
                for policy in scenario.policies:
                    say(f"{scenario.name}, memory for {scenario.resident}: {policy}")
                    text = configuration(_MODELS, memory=_ROOM[scenario.resident], policy=policy, reserve=_RESERVE)
                    async with yard.host(text) as host:
                        done.append((scenario, policy, await yard.serve(host, _ordered(scenario, policy))))
        finally:
            await yard.aclose()
    costs = _best(costs, [served for _, _, served in done])
    rows = [_row(_with_work(scenario, costs), policy, served, costs) for scenario, policy, served in done]
    return Report("grouping", (*_figures(rows), *_told(costs)), tuple(rows))


async def _measured(yard: Yard, say: Say) -> Costs:
    load_s: dict[Weights, float] = {}
    request_s: dict[Weights, float] = {}
    async with yard.host(configuration(_MODELS, memory=_ROOM[1], reserve=_RESERVE)) as host:
        for weights, models in _by_weights().items():
            say(f"measuring loads and rates of {weights.package}")
            await yard.settle(models)
            model = models[0]
            full = [Ordered(0.0, model, "measuring")] * (3 * weights.slots)
            turns = [turn for _ in range(3) for turn in (await yard.serve(host, full)).turns]
            request_s[weights] = min(_seconds_a_request(turns, weights), default=math.inf)
            load_s[weights] = median(
                [line["seconds"] for line in host.heard() if _is_load(line) and line["model"] in models]
            )
    return Costs(load_s, request_s)


def _best(costs: Costs, served: Sequence[Served]) -> Costs:
    """Return the costs with the best rates that were seen at all: the bound is to be one."""
    turns = [turn for one in served for turn in one.turns]
    best = {weights: min([known, *_seconds_a_request(turns, weights)]) for weights, known in costs.request_s.items()}
    return replace(costs, request_s=best)


def _seconds_a_request(turns: Sequence[Mapping[str, Any]], weights: Weights) -> list[float]:
    """Return the seconds a request took in each turn that kept every slot busy most of the time."""
    return [
        turn["served_s"] / turn["requests"]
        for turn in turns
        if _MODELS[turn["model"]] is weights and turn["requests"] >= 2 * weights.slots
    ]


def _is_load(line: Mapping[str, Any]) -> bool:
    return bool(line["event"] == "host.model_loaded")


def _by_weights() -> dict[Weights, list[str]]:
    return {weights: [name for name, its in _MODELS.items() if its is weights] for weights in (SMOLLM2, QWEN)}


def _scenarios(costs: Costs, requests: int) -> list[Scenario]:
    models = len(_MODELS)
    mean_s = sum(map(costs.work_s, _MODELS)) / models
    shares = [1 / rank for rank in range(1, models + 1)]
    zipf_s = sum(share * costs.work_s(model) for share, model in zip(shares, _MODELS, strict=True)) / sum(shares)
    machine = Machine(load_s=max(costs.load_s.values()), speeds=(1.0,))
    rng = random.Random(_SEED)
    at_once = arrivals.all_at_once(rng, models, requests, mean_s)
    return [
        Scenario("all at once", 1, _ALL, at_once),
        Scenario("all at once", 3, _ALL, at_once),
        Scenario("bursty", 1, _GROUPING, arrivals.bursty(rng, machine, models, requests, mean_s)),
        Scenario("skewed", 1, _GROUPING, arrivals.skewed(rng, machine, models, requests, zipf_s)),
        Scenario("one hot", 1, _GROUPING, arrivals.one_hot(rng, machine, models, requests, costs.work_s("m0"))),
        Scenario("flooded", 1, ("turns",), arrivals.flooded(requests // 2, costs.work_s("m0"))),
    ]


def _with_work(scenario: Scenario, costs: Costs) -> Scenario:
    return replace(scenario, asks=[replace(ask, work_s=costs.work_s(ask.model)) for ask in scenario.asks])


def _ordered(scenario: Scenario, policy: str) -> list[Ordered]:
    """Return the requests as they are put into mailboxes: where callers do not take turns, there is one."""
    fair = POLICIES[policy].fair
    return [Ordered(ask.arrived, ask.model, ask.caller if fair else "all") for ask in scenario.asks]


def _bound_s(scenario: Scenario, costs: Costs) -> float:
    """Return the least makespan: each model loaded once (one load where others overlap), all work at the best rate."""
    asked = {ask.model for ask in scenario.asks}
    loads = [costs.load_s[_MODELS[model]] for model in asked]
    load_s = sum(loads) if scenario.resident == 1 else max(loads)
    return max(load_s + sum(ask.work_s for ask in scenario.asks), scenario.asks[-1].arrived)


def _row(scenario: Scenario, policy: str, served: Served, costs: Costs) -> dict[str, Json]:
    waits = [claimed - at for claimed, at in zip(served.claimed, served.submitted, strict=True)]
    rare = [wait for wait, ask in zip(waits, scenario.asks, strict=True) if ask.caller == "rare"]
    late_turns, late_requests = _late(scenario, served) if policy == "turns" else (None, None)
    return {
        "scenario": scenario.name,
        "resident": scenario.resident,
        "policy": policy,
        "requests": len(waits),
        "failed": served.failed,
        "makespan_s": round(served.makespan, 2),
        "bound_s": round(_bound_s(scenario, costs), 2),
        "loads": len(served.loads),
        "turns": len(served.turns),
        "wait_p50_s": round(percentile(waits, 0.5), 2),
        "wait_p99_s": round(percentile(waits, 0.99), 2),
        "wait_max_s": round(max(waits), 2),
        "rare_wait_max_s": round(max(rare), 2) if rare else None,
        "late_turns": late_turns,
        "late_requests": late_requests,
        "jain": round(jain(scenario.asks, served.claimed), 4),
        "prompt_tokens": f"{min(served.prompt_tokens)}-{max(served.prompt_tokens)}",
        "reply_tokens": f"{min(served.reply_tokens)}-{max(served.reply_tokens)}",
        "tokens_per_s": round(sum(served.reply_tokens) / served.makespan, 1),
    }


def _late(scenario: Scenario, served: Served) -> tuple[int, int]:
    """Return how many turns and requests began later than promised, by the loads and rates of the same run."""
    work = work_of(PROMPT_TOKENS, REPLY_TOKENS)
    worst_s = {turn["model"]: work / turn["tokens_per_s"] for turn in served.turns if turn["tokens_per_s"]}
    promise = Promise(
        load_s=max(line["seconds"] for line in served.loads),
        longest_s=max(worst_s.values()),
        quantum_s=max(turn["quantum_s"] for turn in served.turns),
        slots=max(weights.slots for weights in _MODELS.values()),
        models=len({ask.model for ask in scenario.asks}),
        least_quantum_s=min(turn["quantum_s"] for turn in served.turns),
    )
    asks = [replace(ask, worst_s=worst_s[ask.model]) for ask in scenario.asks]
    callers = len({ask.caller for ask in asks})
    late_requests = sum(
        served.claimed[number] - served.submitted[number]
        > promise.request_s(callers, ahead_s(asks, served.claimed, number))
        for number in range(len(asks))
    )
    return sum(turn["waited_s"] > promise.turn_start_s() for turn in served.turns), late_requests


def _figures(rows: Sequence[Mapping[str, Json]]) -> tuple[Figure, ...]:
    def of(scenario: str, policy: str, column: str, resident: int = 1) -> float:
        found = next(r for r in rows if (r["scenario"], r["policy"], r["resident"]) == (scenario, policy, resident))
        return float(str(found[column]))

    def whole(resident: int, aims: tuple[str, str] | tuple[None, None]) -> tuple[Figure, ...]:
        fifo, turns = (of("all at once", policy, "makespan_s", resident) for policy in ("fifo", "turns"))
        bound = of("all at once", "turns", "bound_s", resident)
        where = f"all at once, memory for {resident}"
        gain = (fifo - turns) / (fifo - bound)
        return (
            Figure(f"{where}: makespan of turns", round(turns / bound, 3), "of the bound", aims[0], "bound"),
            Figure(f"{where}: gain of turns", round(gain, 3), "of fifo - bound", aims[1], "fifo"),
        )

    hot = of("one hot", "turns", "makespan_s") / of("one hot", "turns", "bound_s")
    rare = of("one hot", "turns", "rare_wait_max_s") / of("one hot", "collate", "rare_wait_max_s")
    late = sum(int(str(row[column])) for row in rows for column in ("late_turns", "late_requests") if row[column])
    return (
        *whole(1, ("<= 1.10", ">= 0.90")),
        *whole(3, (None, None)),
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
            for name in ("bursty", "skewed")
        ),
        Figure("turns and requests that began later than promised", late, "of all", "<= 0"),
        Figure("two backlogged callers of one model", of("flooded", "turns", "jain"), "Jain's index", ">= 0.95"),
        Figure("requests that failed", sum(int(str(row["failed"])) for row in rows), "requests", "<= 0"),
    )


def _told(costs: Costs) -> tuple[Figure, ...]:
    return tuple(
        figure
        for weights in costs.load_s
        for figure in (
            Figure(f"{weights.package}: load", round(costs.load_s[weights], 2), "s"),
            Figure(f"{weights.package}: a request at the best rate", round(costs.request_s[weights], 3), "s"),
        )
    )
