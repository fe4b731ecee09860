"""Usage lines are written soon, all of them, and an outage of the database loses none before the limit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime

import psycopg
import pytest

from core.errors import Unavailable
from core.ids import RunId
from core.runs import UsageRecord
from storage.postgres.database import Database
from storage.postgres.usage import PostgresUsageLog

AWAY = "postgresql://nobody@127.0.0.1:1/none"


def a_line(run: str) -> UsageRecord:
    return UsageRecord(RunId(run), None, "default", "coder", 10, 20, 0, 7, 0.25, "ok", datetime.now(UTC))


def written(url: str, run: str) -> int:
    with closing(psycopg.connect(url)) as connection:
        row = connection.execute("SELECT count(*) FROM usage WHERE run_id = %s", [run]).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture
async def log(database: Database) -> AsyncIterator[PostgresUsageLog]:
    log = PostgresUsageLog(database)
    yield log
    await log.aclose()


@pytest.fixture
async def log_without_database() -> AsyncIterator[PostgresUsageLog]:
    database = Database(AWAY)
    log = PostgresUsageLog(database, limit=3)
    yield log
    await log.aclose()
    await database.aclose()


async def test_a_flush_writes_every_line(log: PostgresUsageLog, postgres_url: str) -> None:
    for _ in range(1234):
        log.record(a_line("r1"))

    await log.flush()

    assert await asyncio.to_thread(written, postgres_url, "r1") == 1234


async def test_lines_are_written_without_being_asked(log: PostgresUsageLog, postgres_url: str) -> None:
    log.record(a_line("r2"))

    async with asyncio.timeout(5):
        while await asyncio.to_thread(written, postgres_url, "r2") == 0:
            pass


async def test_closing_writes_what_is_left(database: Database, postgres_url: str) -> None:
    log = PostgresUsageLog(database)
    log.record(a_line("r3"))

    await log.aclose()

    assert await asyncio.to_thread(written, postgres_url, "r3") == 1


async def test_an_outage_keeps_lines_up_to_the_limit_and_counts_the_rest(
    log_without_database: PostgresUsageLog,
) -> None:
    for _ in range(5):
        log_without_database.record(a_line("r4"))

    with pytest.raises(Unavailable):
        await log_without_database.flush()

    assert log_without_database.dropped == 2
