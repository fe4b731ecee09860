"""Usage lines added up. Lines are written within a quarter of a second, so the newest calls may be missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.money import Micros
from core.spending import By, Period, Spent
from core.usage import Usage
from storage.postgres.database import Database
from storage.postgres.schema import UsageRow

MOST: Final = 10_000
"""How many groups a report has at most, the first in their order."""

_COLUMNS: Final[Mapping[By, ColumnElement[Any]]] = {
    By.KEY: UsageRow.key_id.expression,
    By.POOL: UsageRow.pool.expression,
    By.EXPERT: UsageRow.expert.expression,
    By.OUTCOME: UsageRow.outcome.expression,
    By.DAY: func.to_char(func.timezone("UTC", UsageRow.at), "YYYY-MM-DD"),
}


class PostgresSpending:
    """Reads the usage table."""

    def __init__(self, database: Database) -> None:
        """Read through `database`."""
        self._database = database

    async def report(self, by: Sequence[By], period: Period) -> Sequence[Spent]:
        """Return what was used in a period, a line for each group, in the order of the groups."""
        columns = [_COLUMNS[one].label(one.value) for one in by]
        sums = (
            func.coalesce(func.sum(column), 0)
            for column in (UsageRow.input_tokens, UsageRow.output_tokens, UsageRow.cached_tokens, UsageRow.micros)
        )
        query = (
            select(*columns, func.count(), *sums)
            .where(UsageRow.at >= period.since, UsageRow.at < period.until)
            .group_by(*columns)
            .order_by(*columns)
            .limit(MOST)
        )
        if period.key_id is not None:
            query = query.where(UsageRow.key_id == period.key_id)

        async def read(connection: AsyncConnection) -> Sequence[Spent]:
            return [_spent(by, row) for row in await connection.execute(query)]

        return await self._database.transact(read)


def _spent(by: Sequence[By], row: Any) -> Spent:
    calls, given, said, cached, micros = (int(value) for value in row[len(by) :])
    return Spent(dict(zip(by, row, strict=False)), Usage(given, said, cached, calls), Micros(micros))
