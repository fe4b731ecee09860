"""What shadows found is looked up regularly; a router that begins to lose is told of once, and when it recovers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from structlog.testing import capture_logs

from core.clock import ManualClock
from core.ids import ExpertName, PoolName, RunId
from core.money import FREE
from core.pools import PoolSpec, Shadow
from core.shadows import Sample
from wiring.regrets import Regrets

NOW = datetime(2026, 11, 22, tzinfo=UTC)
WATCHED = PoolSpec(PoolName("watched"), (ExpertName("a"),), shadow=Shadow(0.1, fall_back=True))
UNWATCHED = PoolSpec(PoolName("unwatched"), (ExpertName("a"),))


@dataclass
class Found:
    """A shadow log over gains that a test may add to; `asked` are the pools looked up."""

    gains: list[float] = field(default_factory=list)
    asked: list[PoolName] = field(default_factory=list)
    looked: asyncio.Event = field(default_factory=asyncio.Event)

    async def add(self, samples: Sequence[Sample]) -> None:
        self.gains += [sample.gain for sample in samples]

    async def of(self, pool: PoolName, since: datetime) -> Sequence[Sample]:
        self.asked.append(pool)
        self.looked.set()
        return [
            Sample(pool, RunId(f"r{at}"), "cheapest", "conclave", "v", gain, FREE, FREE, max(since, NOW))
            for at, gain in enumerate(self.gains)
        ]


def regrets_over(found: Found) -> Regrets:
    return Regrets(found, (WATCHED, UNWATCHED), ManualClock(NOW))


async def test_only_pools_that_are_shadowed_are_looked_up() -> None:
    found = Found([0.0])
    regrets = regrets_over(found)

    await regrets.look_up()

    assert found.asked == [WATCHED.name]
    assert [regret.samples for regret in regrets.of(WATCHED.name)] == [1]
    assert regrets.of(UNWATCHED.name) == ()


async def test_a_router_that_loses_is_told_of_once_and_so_is_its_recovery() -> None:
    found = Found([0.5] * 200)
    regrets = regrets_over(found)

    with capture_logs() as said:
        await regrets.look_up()
        await regrets.look_up()
        found.gains += [-0.5] * 200
        await regrets.look_up()

    assert [(line["event"], line["pool"], line["constant"]) for line in said] == [
        ("router.loses", "watched", "cheapest"),
        ("router.recovers", "watched", "cheapest"),
    ]


async def test_the_constant_that_wins_stands_in_until_the_router_has_recovered() -> None:
    found = Found([0.0] * 200)
    regrets = regrets_over(found)
    stand_ins: list[str | None] = []

    for gain in (0.0, 0.5, -0.5):
        found.gains += [gain] * 200
        await regrets.look_up()
        stand_ins.append(regrets.stand_in(WATCHED.name))

    assert stand_ins == [None, "cheapest", None]


async def test_it_looks_by_itself_once_opened() -> None:
    found = Found()
    regrets = regrets_over(found)

    regrets.open()
    async with asyncio.timeout(20):
        await found.looked.wait()
    await regrets.aclose()

    assert found.asked == [WATCHED.name]
