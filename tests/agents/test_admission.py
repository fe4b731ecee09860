"""Promises about admission."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from agents.admission import Desk
from core.budgets import Budget, Spend
from core.clock import SystemClock
from core.errors import Unavailable
from core.ids import HoldId
from storage.ledger import EscrowLedger
from storage.memory.ledger import MemoryLedger
from storage.postgres.database import Database
from storage.valkey.connection import Valkey
from tests.agents.hall import key_of


@pytest.fixture
async def ledger(redis_url: str, postgres_url: str) -> AsyncIterator[EscrowLedger]:
    async with AsyncExitStack() as stack:
        valkey, database = Valkey(redis_url), Database(postgres_url)
        stack.push_async_callback(database.aclose)
        stack.push_async_callback(valkey.aclose)
        made = EscrowLedger(valkey, database)
        stack.push_async_callback(made.aclose)
        yield made


async def test_a_caller_that_leaves_while_it_is_admitted_leaves_no_hold(ledger: EscrowLedger) -> None:
    desk, key = Desk(ledger), key_of(Budget(tokens=1_000), concurrency=1)
    await (await desk.admit(key, Spend(tokens=10), 60)).settle(Spend())

    leaving = asyncio.create_task(desk.admit(key, Spend(tokens=10), 60))
    # Two turns of the loop: the reservation is on its way, its answer is not here.
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving

    assert (await ledger.state("key:k1")).held == Spend()


class NeverSettling(MemoryLedger):
    """A ledger whose store goes away once a hold is made."""

    async def settle(self, account: str, hold: HoldId, actual: Spend) -> None:
        raise Unavailable("PostgreSQL cannot be reached")


async def test_a_hold_that_cannot_be_settled_costs_nobody_the_answer() -> None:
    ledger = NeverSettling(SystemClock())
    admission = await Desk(ledger).admit(key_of(Budget(tokens=1_000)), Spend(tokens=10), 60)

    await admission.settle(Spend(tokens=5))

    assert (await ledger.state("key:k1")).held == Spend(tokens=10)
