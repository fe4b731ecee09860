"""`bench memory`: what a host keeps after it loaded and unloaded models many times, and whether it kept its budget."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from core.messages import Json
from evals.bench.stage import Stage, resident_mb
from evals.bench.yard import SMOLLM2, Ordered, RunningHost, Yard, configuration
from evals.reports import Figure, Report

Say = Callable[[str], None]

_CYCLES = 200
# The allocator has met every size it will ever be asked for by then.
_SETTLED = 10
_EVERY = 10
_LOOK_S = 0.25
_MIB = 1 << 20


async def bench_memory(say: Say, cycles: int = _CYCLES) -> Report:
    """Return the report: two models take turns on a host with memory for one, so that every request is a load."""
    models = {"one": SMOLLM2, "other": SMOLLM2}
    text = configuration(models, memory="350MiB")
    rows: list[dict[str, Json]] = []
    peaks: list[int] = []
    with Stage(text) as stage:
        yard = Yard(stage)
        try:
            async with yard.host(text) as host:
                await yard.settle(list(models))
                watching = asyncio.create_task(_watch(yard, peaks))
                for cycle in range(1, cycles + 1):
                    served = await yard.serve(host, [Ordered(0.0, "one" if cycle % 2 else "other", "bench")])
                    if cycle == _SETTLED or cycle % _EVERY == 0:
                        say(f"cycle {cycle} of {cycles}")
                        rows.append(_row(cycle, host, len(served.loads)))
                watching.cancel()
                with suppress(asyncio.CancelledError):
                    await watching
                budget = host.state.memory_budget
        finally:
            await yard.aclose()
    return Report("memory", _figures(rows, peaks, budget), tuple(rows))


async def _watch(yard: Yard, peaks: list[int]) -> None:
    while True:
        state = await yard.state()
        if state is not None:
            peaks.append(sum(residence.memory_bytes for residence in state.residences))
        await asyncio.sleep(_LOOK_S)


def _row(cycle: int, host: RunningHost, loads: int) -> dict[str, Json]:
    return {"cycle": cycle, "loads_in_cycle": loads, "host_resident_mb": round(resident_mb(host.process.pid), 1)}


def _figures(rows: list[dict[str, Json]], peaks: list[int], budget: int) -> tuple[Figure, ...]:
    settled = next(float(str(row["host_resident_mb"])) for row in rows if row["cycle"] == _SETTLED)
    last = float(str(rows[-1]["host_resident_mb"]))
    growth = 100 * (last / settled - 1)
    return (
        Figure(f"the host after {rows[-1]['cycle']} loads", last, "MB"),
        Figure(f"growth since load {_SETTLED}", round(growth, 2), "%", "< 5", f"load {_SETTLED}"),
        Figure("models in memory at most", round(max(peaks) / budget, 3), "of the budget", "<= 1.0", "hosting.memory"),
    )
