"""Single stores for commands that need no whole container: they open what they use and close it again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from core.ports import FeedbackLog, KeyStore, ProfileStore
from core.settings import Settings
from wiring.supervision.lock import InstanceLock, running_service

if TYPE_CHECKING:
    from storage.postgres.database import Database

SHIPPED_PROFILES = Path(__file__).resolve().parents[1] / "routing" / "profiles" / "default.json"
"""The measured profile of the default pool."""


async def migrate_database(database_url: str) -> None:
    """Bring the database to the newest schema; raises `Unavailable` or `ConfigurationError`."""
    from storage.migrations.running import migrate

    await migrate(database_url)


def known_database(settings: Settings) -> str | None:
    """Return the URL of the configured database, or of the running service's, or nothing when there is neither."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    record = running_service(settings.home)
    return record.database_url if record else None


@asynccontextmanager
async def reachable_database(settings: Settings) -> AsyncIterator[str]:
    """Yield the URL of the known database, or of an embedded one started for the moment."""
    known = known_database(settings)
    if known is not None:
        yield known
        return
    from wiring.embedded.postgres import EmbeddedPostgres

    with InstanceLock(settings.home.absolute()):
        server = EmbeddedPostgres(settings.home.absolute() / "postgres")
        try:
            url = await asyncio.to_thread(server.start)
            await migrate_database(url)
            yield url
        finally:
            await asyncio.to_thread(server.stop)


@asynccontextmanager
async def open_keys(database_url: str) -> AsyncIterator[KeyStore]:
    """Yield the API keys of a database."""
    from storage.postgres.keys import PostgresKeyStore

    async with _open(database_url) as database:
        yield PostgresKeyStore(database)


@asynccontextmanager
async def open_profiles(database_url: str) -> AsyncIterator[ProfileStore]:
    """Yield the measured profiles of a database."""
    from storage.postgres.profiles import PostgresProfileStore

    async with _open(database_url) as database:
        yield PostgresProfileStore(database)


@asynccontextmanager
async def open_feedback(database_url: str) -> AsyncIterator[FeedbackLog]:
    """Yield the feedback of a database."""
    from storage.postgres.feedback import PostgresFeedbackLog

    async with _open(database_url) as database:
        yield PostgresFeedbackLog(database)


@asynccontextmanager
async def _open(database_url: str) -> AsyncIterator[Database]:
    from storage.postgres.database import Database

    database = Database(database_url, pool_size=1)
    try:
        yield database
    finally:
        await database.aclose()
