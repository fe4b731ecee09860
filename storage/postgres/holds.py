"""Reservations made in PostgreSQL itself, while Valkey cannot be reached: slower, and as strict."""

from __future__ import annotations

import secrets

from sqlalchemy.ext.asyncio import AsyncConnection

from core.budgets import Spend
from core.ids import HoldId
from storage.clamping import clamped
from storage.postgres import account_statements as statements
from storage.postgres.accounts import budget_of, left_of, locked, spend_of
from storage.postgres.database import Database
from storage.postgres.schema import RESOURCES
from storage.refusals import busy, exceeded

_PREFIX = "p."


class PostgresHolds:
    """Holds as rows; their ceilings are part of the account's escrowed amounts."""

    def __init__(self, database: Database) -> None:
        """Work through `database`."""
        self._database = database

    async def reserve(self, account: str, ceiling: Spend, ttl_s: float) -> HoldId:
        """Set `ceiling` aside; raises `BudgetExceeded`, `RateLimited` or `NotFound`."""
        hold = HoldId(f"{_PREFIX}{secrets.token_hex(12)}")
        grant = {"grant_micros": ceiling.micros, "grant_tokens": ceiling.tokens, "grant_calls": ceiling.calls}

        async def work(connection: AsyncConnection) -> None:
            await locked(connection, account)
            await _free_expired(connection, account)
            row = await locked(connection, account)
            if row.concurrency is not None:
                count = (await connection.execute(statements.COUNT_HOLDS, {"name": account})).one().holds
                if count >= row.concurrency:
                    raise busy(account, row.concurrency)
            left = budget_of(left_of(row))
            if left.lacks(ceiling) is not None:
                raise exceeded(account, ceiling, left)
            await connection.execute(statements.HAND_OUT, {"name": account, **grant})
            await connection.execute(statements.ADD_HOLD, {"name": account, "hold": hold, "ttl_s": ttl_s, **grant})

        await self._database.transact(work)
        return hold

    async def settle(self, account: str, hold: HoldId, actual: Spend) -> None:
        """Turn a hold into what was used, clamped to its ceiling; one that is gone changes nothing."""

        async def work(connection: AsyncConnection) -> None:
            await locked(connection, account)
            row = (await connection.execute(statements.REMOVE_HOLD, {"name": account, "hold": hold})).one_or_none()
            if row is not None:
                await _take_back(connection, account, spend_of(row, ""), actual)

        await self._database.transact(work)

    async def expire(self) -> int:
        """Free every hold past its time, charging nothing; return how many there were."""

        async def accounts(connection: AsyncConnection) -> list[str]:
            return [row.account for row in await connection.execute(statements.EXPIRED)]

        freed = 0
        for account in await self._database.transact(accounts):

            async def work(connection: AsyncConnection, name: str = account) -> int:
                await locked(connection, name)
                return await _free_expired(connection, name)

            freed += await self._database.transact(work)
        return freed


def in_postgres(hold: HoldId) -> bool:
    """Whether the hold was made in PostgreSQL."""
    return hold.startswith(_PREFIX)


async def _free_expired(connection: AsyncConnection, account: str) -> int:
    gone = (await connection.execute(statements.REMOVE_EXPIRED, {"name": account})).one()
    if gone.holds:
        await _take_back(connection, account, spend_of(gone, ""), Spend())
    return int(gone.holds)


async def _take_back(connection: AsyncConnection, account: str, freed: Spend, actual: Spend) -> None:
    used = clamped(actual, freed)
    amounts = {f"freed_{r}": getattr(freed, r) for r in RESOURCES} | {f"used_{r}": getattr(used, r) for r in RESOURCES}
    await connection.execute(statements.TAKE_BACK, {"name": account, **amounts})
