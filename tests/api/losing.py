"""An API whose router was seen to lose to one constant and to beat another, for whoever shows that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from core.ids import PoolName, RunId
from core.money import Micros
from core.pools import Shadow
from core.shadows import Sample
from storage.postgres.database import Database
from storage.postgres.shadows import PostgresShadowLog
from tests.api.conftest import CLOCK, Running, container_on, minted, served
from tests.api.scripted import ScriptedConvener, ScriptedRecruiter
from wiring.container import Container
from wiring.regrets import Regrets

GAINS = {"best_single": 0.5, "cheapest": -0.25}
SEEN = 200


def samples() -> list[Sample]:
    """What shadows found: constants that cost twice and half of what the router does."""
    pool, costs = PoolName("default"), {"best_single": Micros(20), "cheapest": Micros(5)}
    return [
        Sample(pool, RunId(f"r{n}"), constant, "conclave", "p1", gain, costs[constant], Micros(10), CLOCK.now())
        for n in range(SEEN)
        for constant, gain in GAINS.items()
    ]


@contextmanager
def losing_service(postgres_url: str, redis_url: str, *, fall_back: bool = True) -> Iterator[Running]:
    """Serve it for the duration, beside a pool that is not shadowed."""
    keys, shown = minted()
    recruiter = ScriptedRecruiter()
    convener = ScriptedConvener(recruiter, CLOCK)

    async def build() -> Container:
        container = container_on(postgres_url, convener, recruiter, redis_url)
        database = Database(postgres_url, pool_size=1)
        container.closing.push_async_callback(database.aclose)
        log = PostgresShadowLog(database)
        await log.add(samples())
        for key in keys:
            await container.keys.add(key)
        (pool,) = container.configuration.pools.values()
        watched = replace(pool, shadow=Shadow(0.1, fall_back=fall_back))
        pools = {pool.name: watched, PoolName("other"): replace(pool, name=PoolName("other"))}
        regrets = Regrets(log, pools.values(), CLOCK)
        await regrets.look_up()
        return replace(container, configuration=replace(container.configuration, pools=pools), regrets=regrets)

    with served(build) as url:
        yield Running(url, shown, convener)
