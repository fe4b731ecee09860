"""Chores go on whatever one round of them meets."""

from __future__ import annotations

import asyncio

import pytest

from core.errors import Unavailable
from wiring.chores import again_and_again


@pytest.mark.parametrize("failure", [Unavailable("away"), RuntimeError("a defect"), TimeoutError()])
async def test_a_round_that_fails_does_not_end_the_rounds(failure: Exception) -> None:
    rounds, twice = 0, asyncio.Event()

    async def work() -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise failure
        twice.set()

    chore = asyncio.create_task(again_and_again(work, 0.0))
    await asyncio.wait_for(twice.wait(), 5.0)

    chore.cancel()
    with pytest.raises(asyncio.CancelledError):
        await chore
