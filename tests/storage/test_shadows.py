"""Shadows' samples come back in order, once each, and the old ones are forgotten pool by pool."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.ids import PoolName, RunId
from core.money import Micros
from core.ports import ShadowLog
from core.shadows import Sample
from storage.postgres.database import Database
from storage.postgres.shadows import KEPT_FOR, PostgresShadowLog

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=3650)


def a_sample(pool: str, number: int = 0, at: datetime = NOW) -> Sample:
    """One constant on the run of that number."""
    costs = Micros(3), Micros(5)
    return Sample(PoolName(pool), RunId(f"{pool}-{number}"), "cheapest", "conclave", "7f3a", -0.25, *costs, at)


@pytest.fixture
def log(database: Database) -> ShadowLog:
    return PostgresShadowLog(database, kept=3)


async def test_what_was_added_comes_back_equal_and_in_order(log: ShadowLog) -> None:
    first, second = a_sample("one", 1), a_sample("one", 2, NOW - timedelta(hours=1))
    beside = replace(first, constant="random", gain=1.0)

    await log.add([first, beside])
    await log.add([second])

    assert await log.of(PoolName("one"), LONG_AGO) == [first, beside, second]


async def test_only_what_was_taken_since_is_told(log: ShadowLog) -> None:
    old, new = a_sample("two", 1, NOW - timedelta(days=2)), a_sample("two", 2)

    await log.add([old])
    await log.add([new])

    assert await log.of(PoolName("two"), NOW) == [new]


async def test_the_same_samples_added_again_change_nothing(log: ShadowLog) -> None:
    sample = a_sample("three")

    await log.add([sample])
    await log.add([replace(sample, gain=1.0)])

    assert await log.of(PoolName("three"), LONG_AGO) == [sample]


async def test_no_more_are_kept_of_a_pool_than_is_said_and_the_newest_stay(log: ShadowLog) -> None:
    other = a_sample("other")
    await log.add([other])

    for number in range(5):
        await log.add([a_sample("four", number)])

    kept = await log.of(PoolName("four"), LONG_AGO)
    assert [sample.run_id for sample in kept] == ["four-2", "four-3", "four-4"]
    assert await log.of(PoolName("other"), LONG_AGO) == [other]


async def test_what_is_older_than_ninety_days_is_forgotten_with_the_next_sample(log: ShadowLog) -> None:
    await log.add([a_sample("five", 1, NOW - KEPT_FOR - timedelta(seconds=1))])
    await log.add([a_sample("five", 2)])

    assert [sample.run_id for sample in await log.of(PoolName("five"), LONG_AGO)] == ["five-2"]


async def test_nothing_to_add_is_no_harm_and_an_unknown_pool_has_none(log: ShadowLog) -> None:
    await log.add([])

    assert await log.of(PoolName("nowhere"), LONG_AGO) == []
