"""Waiting for what no event tells of: a look every 20 ms, and a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def until(look: Callable[[], Awaitable[T]], within_s: float = 30.0) -> T:
    """Return what `look` finds as soon as it finds something."""
    never = asyncio.Event()
    async with asyncio.timeout(within_s):
        while not (found := await look()):
            with suppress(TimeoutError):
                await asyncio.wait_for(never.wait(), 0.02)
    return found
