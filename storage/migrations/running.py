"""Brings a database to a revision of the schema, one process at a time, and says when it is not there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, exc, text

from core.errors import ConfigurationError, Unavailable
from storage.postgres.url import dialect_url

_LOCK = 0x636F6E636C617665  # "conclave", as PostgreSQL's 64-bit advisory lock
_LOCK_WAIT = "60s"
# A step must not queue behind a long transaction while others queue behind the step.
_STEP_LOCK_WAIT = "5s"


async def migrate(database_url: str, revision: str = "head") -> None:
    """Bring the schema up or down to `revision` ("head" is the newest, "base" an empty database).

    Processes that migrate at once wait for each other. Raises `Unavailable` without a database and
    `ConfigurationError` for an unknown revision.
    """
    await asyncio.to_thread(_migrate, database_url, revision)


async def drift(database_url: str) -> str | None:
    """Return why the schema is not the one this code wants, or nothing when it is; raises `Unavailable`."""
    return await asyncio.to_thread(_drift, database_url)


def _migrate(database_url: str, revision: str) -> None:
    with _connection(database_url) as connection:
        connection.execute(text("SELECT set_config('lock_timeout', :wait, false)"), {"wait": _LOCK_WAIT})
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.execute(text("SELECT set_config('lock_timeout', :wait, false)"), {"wait": _STEP_LOCK_WAIT})
        connection.commit()
        try:
            move = command.downgrade if _is_behind(connection, revision) else command.upgrade
            move(_configured(connection), revision)
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.commit()


def _drift(database_url: str) -> str | None:
    with _connection(database_url) as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    head = _scripts().get_current_head()
    if current == head:
        return None
    return f"the database schema is at {current or 'nothing'}, this version needs {head}; run: conclave migrate"


def _is_behind(connection: Connection, revision: str) -> bool:
    steps = ["base", *reversed([step.revision for step in _scripts().walk_revisions()])]
    if revision not in (*steps, "head"):
        raise ConfigurationError(f'no schema revision "{revision}"; known: {", ".join(steps)}, head')
    current = MigrationContext.configure(connection).get_current_revision() or "base"
    return revision != "head" and current in steps and steps.index(revision) < steps.index(current)


def _configured(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


@cache
def _scripts() -> ScriptDirectory:
    return ScriptDirectory(str(Path(__file__).parent))


@contextmanager
def _connection(database_url: str) -> Iterator[Connection]:
    engine = create_engine(dialect_url(database_url), poolclass=NullPool, connect_args={"connect_timeout": 2})
    try:
        with engine.connect() as connection:
            yield connection
    except exc.OperationalError as error:
        raise Unavailable("PostgreSQL cannot be reached; try again shortly", retry_after_s=2.0) from error
    finally:
        engine.dispose()
