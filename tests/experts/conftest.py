"""A scripted upstream on loopback, and the transports that call it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from core.clock import SystemClock
from experts.remote.openai_transport import OpenAITransport
from experts.scripted_upstream import ScriptedUpstream

KEY = "sk-canary-4711"


@pytest.fixture
async def upstream() -> AsyncIterator[ScriptedUpstream]:
    """An upstream that does what the model's name says."""
    async with ScriptedUpstream() as server:
        yield server


@pytest.fixture
async def lean() -> AsyncIterator[OpenAITransport]:
    """The lean transport, with one key."""
    transport = OpenAITransport({"openai": SecretStr(KEY)}, SystemClock())
    yield transport
    await transport.aclose()
