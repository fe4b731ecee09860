"""What a batch is said to have cost the hosts, and the estimate of what arrival order would have."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from core.clock import SystemClock
from core.hosting import HostCounts, HostState, Order, Phase, Residence
from core.ids import HostId, ModelName, RunId
from evals.batching import HostsWatch, Loads, in_arrival_order
from evals.bench.batch import spread
from experts.waves import HostedCall

A, B, C = ModelName("a"), ModelName("b"), ModelName("c")


@dataclass
class Hosts:
    """A directory of hosts as the test says they are."""

    states: Sequence[HostState] = ()

    async def hosts(self) -> Sequence[HostState]:
        return self.states

    async def beat(self, state: HostState, ttl_s: float) -> Sequence[Order]:
        raise NotImplementedError

    async def order(self, host: HostId, order: Order) -> None:
        raise NotImplementedError

    async def leave(self, host: HostId) -> None:
        raise NotImplementedError


def host(name: str = "h", memory: int = 100, resident: tuple[ModelName, ...] = (), **counts: float) -> HostState:
    residences = (Residence(A, Phase.READY, 60, load_s=2.0), Residence(B, Phase.READY, 50, load_s=1.0))
    counted = HostCounts(**counts)  # type: ignore[arg-type]  # names and numbers of the counts
    return HostState(HostId(name), name, memory, 0, resident, residences=residences, counts=counted)


def calls(*lines: str) -> tuple[list[HostedCall], dict[RunId, int]]:
    """Calls let through a model at a time, a letter each, and the positions of their lines."""
    made = [
        HostedCall(RunId(str(at)), 0, ModelName(model))
        for model in sorted({model for line in lines for model in line})
        for at, line in enumerate(lines)
        if model in line
    ]
    return made, {RunId(str(at)): at for at in range(len(lines))}


async def watched(*states: HostState) -> HostsWatch:
    watch = HostsWatch(Hosts(states), SystemClock())
    async with watch.watching():
        pass
    return watch


async def test_only_the_loads_since_the_beginning_count_of_every_host() -> None:
    directory = Hosts([host(loads=5, load_seconds=9.0, requests=50)])
    watch = HostsWatch(directory, SystemClock())
    async with watch.watching():
        directory.states = [host(loads=7, load_seconds=12.0, requests=60), host("new", loads=1, load_seconds=0.5)]
        loads = await watch.settled(10)

    assert loads == Loads(3, 3.5)


@pytest.mark.parametrize(
    ("memory", "lines", "expected"),
    [
        (100, ["a", "b", "a", "b"], Loads(4, 6.0)),
        (110, ["a", "b", "a", "b"], Loads(2, 3.0)),
        (100, ["ab", "ab", "ab"], Loads(4, 6.0)),
        (100, ["a", "a", "a"], Loads(1, 2.0)),
    ],
)
async def test_arrival_order_loads_what_memory_does_not_hold(memory: int, lines: list[str], expected: Loads) -> None:
    made, position = calls(*lines)

    assert in_arrival_order(made, position, await watched(host(memory=memory)), Loads(2, 3.0), {}) == expected


async def test_what_was_in_memory_at_first_is_not_loaded() -> None:
    made, position = calls("a", "b")

    found = in_arrival_order(made, position, await watched(host(memory=100, resident=(A,))), Loads(1, 1.0), {})

    assert found == Loads(1, 1.0)


async def test_a_model_never_measured_takes_the_mean_load_and_all_the_memory() -> None:
    made, position = calls("c", "a", "c")

    found = in_arrival_order(made, position, await watched(host(memory=200)), Loads(2, 6.0), {})

    assert found == Loads(3, 8.0)


async def test_without_any_load_measured_there_is_no_estimate() -> None:
    made, position = calls("a")

    assert in_arrival_order(made, position, await watched(replace(host(), residences=())), Loads(0, 0.0), {}) is None


def test_the_panels_of_the_benchmark_use_every_model_as_often() -> None:
    panels = spread(random.Random(1), 120, 8)

    used = Counter(model for panel in panels for model in panel)
    assert len(panels) == 120
    assert all(len(set(panel)) == 3 for panel in panels)
    assert len(used) == 8
    assert max(used.values()) - min(used.values()) <= 8
