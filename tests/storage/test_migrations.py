"""The schema goes up, down and up again, and the models say what the migrations made."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from core.errors import ConfigurationError, Unavailable
from storage.migrations.running import drift, migrate
from storage.postgres.schema import Table
from storage.postgres.url import dialect_url
from tests.fixtures.servers import DatabaseServer


@pytest.fixture
def empty_url(database_server: DatabaseServer) -> Iterator[str]:
    """A database without a schema."""
    url = database_server.fresh(empty=True)
    yield url
    database_server.drop(url)


def tables(url: str) -> set[str]:
    """The tables of a database."""
    with closing(psycopg.connect(url)) as connection:
        rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    return {row[0] for row in rows}


async def test_every_step_goes_up_down_and_up_again(empty_url: str) -> None:
    await migrate(empty_url)
    first = await asyncio.to_thread(tables, empty_url)
    await migrate(empty_url, "base")
    bare = await asyncio.to_thread(tables, empty_url)
    await migrate(empty_url)

    assert bare == {"alembic_version"}
    assert await asyncio.to_thread(tables, empty_url) == first >= set(Table.metadata.tables)


def test_the_models_are_what_the_migrations_made(postgres_url: str) -> None:
    engine = create_engine(dialect_url(postgres_url))

    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Table.metadata)
    engine.dispose()

    assert differences == []


async def test_drift_says_what_to_run(empty_url: str) -> None:
    before = await drift(empty_url)
    await migrate(empty_url)

    assert before is not None
    assert "conclave migrate" in before
    assert await drift(empty_url) is None


async def test_processes_that_migrate_at_once_wait_for_each_other(empty_url: str) -> None:
    await asyncio.gather(*(migrate(empty_url) for _ in range(4)))

    assert await drift(empty_url) is None


async def test_an_unknown_revision_is_a_typed_error(postgres_url: str) -> None:
    with pytest.raises(ConfigurationError, match="no schema revision"):
        await migrate(postgres_url, "nowhere")


async def test_a_database_that_is_away_is_a_typed_error() -> None:
    with pytest.raises(Unavailable):
        await drift("postgresql://nobody@127.0.0.1:1/none")


@pytest.mark.parametrize("url", ["mysql://host/name", "not a url"])
async def test_anything_but_postgresql_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="CONCLAVE_DATABASE_URL"):
        await migrate(url)
