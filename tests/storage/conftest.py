"""Fixtures of the storage tests: adapters over the servers of tests/fixtures."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage.postgres.database import Database


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """Connections to the module's own database."""
    database = Database(postgres_url, pool_size=4)
    yield database
    await database.aclose()
