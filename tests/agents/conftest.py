"""Stores and the embedder for convening."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from routing.embedding import LocalEmbedder
from storage.postgres.database import Database
from storage.postgres.runs import PostgresRunLog
from tests.agents.hall import OPENED


@pytest.fixture
async def runs(postgres_url: str) -> AsyncIterator[PostgresRunLog]:
    database = Database(postgres_url)
    yield PostgresRunLog(database)
    while OPENED:
        await OPENED.pop().aclose()
    await database.aclose()


@pytest.fixture(scope="session")
def embedder() -> Iterator[LocalEmbedder]:
    made = LocalEmbedder()
    yield made
    asyncio.run(made.aclose())
