"""Usage lines are added up by what is asked for, and only those of the period and the key."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from core.ids import KeyId, RunId
from core.runs import UsageRecord
from core.spending import By, Period, Spent
from storage.postgres.database import Database
from storage.postgres.spending import PostgresSpending
from storage.postgres.usage import PostgresUsageLog

DAY = datetime(2026, 11, 29, tzinfo=UTC)
WHOLE = Period(DAY, DAY + timedelta(days=2))


def line(hours: float, *, key: str | None = "k1", pool: str | None = "default", expert: str = "coder") -> UsageRecord:
    key_id = None if key is None else KeyId(key)
    return UsageRecord(RunId("r"), key_id, pool, expert, 10, 5, 4, 7, 0.25, "ok", DAY + timedelta(hours=hours))


LINES = (line(1), line(23.99), line(24, expert="quick"), line(30, key="k2"), line(31, key=None, pool=None), line(48))


@pytest.fixture(scope="module", autouse=True)
def written(postgres_url: str) -> None:
    """The lines of this module, once."""

    async def write() -> None:
        database = Database(postgres_url, pool_size=1)
        log = PostgresUsageLog(database)
        for one in LINES:
            log.record(one)
        await log.aclose()
        await database.aclose()

    asyncio.run(write())


async def report(database: Database, *by: By, period: Period = WHOLE) -> dict[tuple[str | None, ...], Spent]:
    found = await PostgresSpending(database).report(by, period)
    return {tuple(one.group.values()): one for one in found}


async def test_lines_are_added_up_by_day_of_utc(database: Database) -> None:
    days = await report(database, By.DAY)

    assert {day: one.usage.calls for (day,), one in days.items()} == {"2026-11-29": 2, "2026-11-30": 3}


async def test_everything_of_a_line_is_added_up(database: Database) -> None:
    whole = (await report(database))[()]

    assert (whole.usage.calls, whole.usage.input_tokens, whole.usage.output_tokens) == (5, 50, 25)
    assert (whole.usage.cached_tokens, whole.micros) == (20, 35)


async def test_groups_are_of_all_that_is_asked_for_and_nothing_is_a_group_too(database: Database) -> None:
    found = await report(database, By.KEY, By.EXPERT)

    assert {group: one.usage.calls for group, one in found.items()} == {
        ("k1", "coder"): 2,
        ("k1", "quick"): 1,
        ("k2", "coder"): 1,
        (None, "coder"): 1,
    }


async def test_one_keys_report_holds_nothing_of_others(database: Database) -> None:
    mine = Period(WHOLE.since, WHOLE.until, KeyId("k2"))

    assert (await report(database, period=mine))[()].usage.calls == 1


async def test_where_nothing_was_spent_the_sum_is_nought(database: Database) -> None:
    before = Period(DAY - timedelta(days=9), DAY - timedelta(days=8))

    assert (await report(database, period=before))[()].usage.calls == 0
    assert await report(database, By.POOL, period=before) == {}
