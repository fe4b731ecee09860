"""Feedback: the newest word of a key counts, and what is asked for comes in the order it was given."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.feedback import Feedback
from core.ids import ExpertName, KeyId, PoolName, RunId, SkillName
from core.skills import SkillTag
from storage.postgres.database import Database
from storage.postgres.feedback import PostgresFeedbackLog

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=300)
CODER = ExpertName("coder")


@pytest.fixture
def log(database: Database) -> PostgresFeedbackLog:
    return PostgresFeedbackLog(database)


def said(pool: str, run: str = "run", *, minutes: int = 0, score: float = 1.0) -> Feedback:
    tags = (SkillTag(SkillName("algebra"), 0.6), SkillTag(SkillName("sets"), 0.2))
    at = NOW + timedelta(minutes=minutes)
    return Feedback(RunId(run), PoolName(pool), KeyId("key"), score, at, {CODER: score}, tags)


async def test_what_was_said_comes_back_equal(log: PostgresFeedbackLog) -> None:
    whole, single = said("one"), replace(said("one", minutes=1), expert=CODER)

    await log.give(whole)
    await log.give(single)

    assert await log.since(PoolName("one"), LONG_AGO) == [whole, single]


async def test_a_second_word_of_a_key_takes_the_place_of_its_first(log: PostgresFeedbackLog) -> None:
    await log.give(said("two"))
    await log.give(said("two", minutes=3, score=0.0))
    await log.give(replace(said("two"), key_id=KeyId("another")))

    scores = [given.score for given in await log.since(PoolName("two"), LONG_AGO)]

    assert scores == [1.0, 0.0]


async def test_the_newest_are_returned_the_oldest_first(log: PostgresFeedbackLog) -> None:
    for minute in (3, 1, 2, 0):
        await log.give(said("three", f"run {minute}", minutes=minute))

    runs = [given.run_id for given in await log.since(PoolName("three"), NOW, most=2)]

    assert runs == ["run 2", "run 3"]


async def test_only_what_was_given_after_the_time_asked_for_is_returned(log: PostgresFeedbackLog) -> None:
    await log.give(said("four", "old", minutes=-5))
    await log.give(said("four", "new", minutes=5))

    assert [given.run_id for given in await log.since(PoolName("four"), NOW)] == ["new"]


async def test_one_pool_knows_nothing_of_another(log: PostgresFeedbackLog) -> None:
    await log.give(said("five"))

    assert await log.since(PoolName("six"), LONG_AGO) == []
