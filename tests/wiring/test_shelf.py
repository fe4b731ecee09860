"""Promises about the profiles a pool is routed by: the newest measured, and what feedback adds to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from core.clock import SystemClock
from core.feedback import Feedback
from core.ids import ExpertName, KeyId, PoolName, RunId
from core.profiles import ProfileSet, Record
from routing.profiles import Outcome, build_profiles, is_measured
from storage.postgres.database import Database
from storage.postgres.feedback import PostgresFeedbackLog
from storage.postgres.profiles import PostgresProfileStore
from wiring.shelf import ProfileShelf

CLOCK = SystemClock()
ONE = ExpertName("one")


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    database = Database(postgres_url, pool_size=2)
    yield database
    await database.aclose()


def measured(pool: str) -> ProfileSet:
    return build_profiles(pool, "q1", CLOCK.now(), [], [Outcome(ONE, (), correct=True)] * 3)


def judged(pool: str, score: float) -> Feedback:
    return Feedback(RunId("run"), PoolName(pool), KeyId("key"), score, CLOCK.now(), {ONE: score})


@asynccontextmanager
async def opened(database: Database, pool: str) -> AsyncIterator[ProfileSet]:
    """What a shelf holds of a pool once it has looked."""
    feedback, store = PostgresFeedbackLog(database), PostgresProfileStore(database)
    shelf = ProfileShelf(store, feedback, {PoolName(pool): (ONE,)}, CLOCK)
    await shelf.open()
    try:
        yield shelf.of(PoolName(pool))
    finally:
        await shelf.aclose()


async def test_the_newest_measurement_is_served(database: Database) -> None:
    older = replace(measured("a"), version="older", measured_at=CLOCK.now() - timedelta(days=1))
    for profiles in (measured("a"), older):
        await PostgresProfileStore(database).save(profiles)

    async with opened(database, "a") as held:
        assert held.of(ONE).overall == Record(3)
        assert held.live == {}


async def test_feedback_is_counted_beside_what_was_measured(database: Database) -> None:
    await PostgresProfileStore(database).save(measured("b"))
    await PostgresFeedbackLog(database).give(judged("b", 0.0))

    async with opened(database, "b") as held:
        assert held.of(ONE).overall == Record(3)
        assert held.live[ONE].overall.losses == pytest.approx(1.0, abs=1e-3)
        assert held.version == measured("b").version


async def test_feedback_counts_where_nothing_was_measured(database: Database) -> None:
    await PostgresFeedbackLog(database).give(judged("c", 1.0))

    async with opened(database, "c") as held:
        assert not is_measured(held)
        assert held.live[ONE].overall.wins == pytest.approx(1.0, abs=1e-3)
