"""Deadlines, retries and outages of the database, as those who use it see them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Unavailable
from storage.postgres.database import Database
from tests.fixtures.servers import DatabaseServer


@pytest.fixture
async def narrow(postgres_url: str) -> AsyncIterator[Database]:
    """A pool of one connection."""
    database = Database(postgres_url, pool_size=1)
    yield database
    await database.aclose()


async def one(connection: AsyncConnection) -> int:
    return int((await connection.execute(text("SELECT 1"))).scalar_one())


async def test_a_database_that_is_away_is_a_typed_error_with_a_time_to_wait() -> None:
    database = Database("postgresql://nobody:s3cret@127.0.0.1:1/none")

    with pytest.raises(Unavailable) as refusal:
        await database.transact(one)

    assert refusal.value.retry_after_s
    assert "s3cret" not in repr(refusal.value) + repr(refusal.value.__cause__)


async def test_a_pool_without_a_free_connection_says_so_instead_of_hanging(narrow: Database) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def hog(connection: AsyncConnection) -> None:
        entered.set()
        await leave.wait()

    holder = asyncio.create_task(narrow.transact(hog))
    await entered.wait()
    async with asyncio.timeout(4):
        with pytest.raises(Unavailable, match="in use"):
            await narrow.transact(one)
    leave.set()
    await holder


async def test_a_connection_that_was_cut_is_replaced(narrow: Database, database: Database) -> None:
    async def pid(connection: AsyncConnection) -> int:
        return int((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())

    first = await narrow.transact(pid)

    async def cut(connection: AsyncConnection) -> None:
        # Waits, on the server, until the other one is gone.
        await connection.execute(text("SELECT pg_terminate_backend(:pid, 4000)"), {"pid": first})

    await database.transact(cut)

    assert await narrow.transact(pid) != first


async def test_deadlocked_transactions_both_succeed(database: Database) -> None:
    async def make(connection: AsyncConnection) -> None:
        await connection.execute(text("INSERT INTO accounts (name) VALUES ('x'), ('y')"))

    await database.transact(make)
    met, tries = asyncio.Barrier(2), 0

    def crossing(first: str, second: str) -> asyncio.Task[None]:
        async def work(connection: AsyncConnection) -> None:
            nonlocal tries
            tries += 1
            lock = text("SELECT 1 FROM accounts WHERE name = :name FOR UPDATE")
            await connection.execute(lock, {"name": first})
            if tries <= 2:
                await met.wait()
            await connection.execute(lock, {"name": second})

        return asyncio.create_task(database.transact(work))

    await asyncio.gather(crossing("x", "y"), crossing("y", "x"))

    assert tries == 3


async def test_a_statement_that_takes_too_long_is_cut_off(database_server: DatabaseServer) -> None:
    database = Database(database_server.url_of("migrated"))

    async def slow(connection: AsyncConnection) -> None:
        await connection.execute(text("SET LOCAL statement_timeout = 50"))
        await connection.execute(text("SELECT pg_sleep(60)"))

    with pytest.raises(Unavailable):
        await database.transact(slow)
    await database.aclose()
