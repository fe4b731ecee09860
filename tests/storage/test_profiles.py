"""Profiles: versions are kept, the newest is found, and what comes back is what was measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.ids import ExpertName, PoolName, SkillName
from core.money import Micros
from core.profiles import ExpertProfile, Lesson, Outcome, ProfileSet, Record
from core.skills import Skill
from storage.postgres.database import Database
from storage.postgres.profiles import PostgresProfileStore

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
ALGEBRA = SkillName("linear algebra")
MEASURED = ProfileSet(
    version="7f3a",
    pool="default",
    questions_id="q1",
    measured_at=NOW,
    skills=(Skill(ALGEBRA),),
    experts={ExpertName("coder"): ExpertProfile(ExpertName("coder"), {ALGEBRA: Record(3, 1)}, Record(4, 2), 1, 10.5)},
    lessons=(
        Lesson("Solve x = 1.", (ALGEBRA,), {ExpertName("coder"): Outcome(1.0, "1", 5, 7, Micros(3), 0.5)}),
        Lesson("Solve x = 2.", (ALGEBRA,), {ExpertName("coder"): Outcome(None)}),
    ),
)


@pytest.fixture
def store(database: Database) -> PostgresProfileStore:
    return PostgresProfileStore(database)


async def test_what_was_saved_comes_back_equal(store: PostgresProfileStore) -> None:
    await store.save(MEASURED)

    assert await store.latest(PoolName("default")) == MEASURED


async def test_the_newest_measurement_is_the_latest(store: PostgresProfileStore) -> None:
    older = replace(MEASURED, pool="two", version="old")
    newer = replace(older, version="new", measured_at=NOW + timedelta(days=1))

    await store.save(newer)
    await store.save(older)

    assert await store.latest(PoolName("two")) == newer


async def test_a_version_never_changes(store: PostgresProfileStore) -> None:
    await store.save(replace(MEASURED, pool="three"))
    await store.save(replace(MEASURED, pool="three", questions_id="other"))

    latest = await store.latest(PoolName("three"))

    assert latest is not None
    assert latest.questions_id == "q1"


async def test_a_pool_that_was_never_measured_has_no_profiles(store: PostgresProfileStore) -> None:
    assert await store.latest(PoolName("none")) is None
