"""The real embedder, loaded once for all tests of routing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from routing.embedding import LocalEmbedder


@pytest.fixture(scope="session")
def embedder() -> Iterator[LocalEmbedder]:
    made = LocalEmbedder()
    yield made
    asyncio.run(made.aclose())
