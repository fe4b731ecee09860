"""What shadows found, the newest of each pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Delete, RowMapping, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.ids import PoolName, RunId
from core.money import Micros
from core.shadows import Sample
from storage.postgres.database import Database
from storage.postgres.schema import ShadowRow

KEPT: Final = 10_000
"""The most samples kept of a pool."""
KEPT_FOR: Final = timedelta(days=90)
"""How long a sample is kept, counted back from the newest."""


class PostgresShadowLog:
    """Keeps the newest samples of each pool, at most `kept` of them, and none older than 90 days."""

    def __init__(self, database: Database, kept: int = KEPT) -> None:
        """Read and write through `database`."""
        self._database = database
        self._kept = kept

    async def add(self, samples: Sequence[Sample]) -> None:
        """Keep the samples of one query, forgetting what is too old; adding the same again changes nothing."""
        if not samples:
            return
        statement = insert(ShadowRow).values([asdict(sample) for sample in samples]).on_conflict_do_nothing()
        forgetting = [self._forgetting(pool, samples) for pool in sorted({sample.pool for sample in samples})]

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(statement)
            for forget in forgetting:
                await connection.execute(forget)

        await self._database.transact(write)

    async def of(self, pool: PoolName, since: datetime) -> Sequence[Sample]:
        """Return a pool's samples taken at `since` or later, in the order they were added."""
        query = (
            select(*ShadowRow.__table__.columns)
            .where(ShadowRow.pool == pool, ShadowRow.at >= since)
            .order_by(ShadowRow.id)
        )

        async def read(connection: AsyncConnection) -> Sequence[Sample]:
            return [_sample(row) for row in (await connection.execute(query)).mappings()]

        return await self._database.transact(read)

    def _forgetting(self, pool: PoolName, samples: Sequence[Sample]) -> Delete:
        newest = max(sample.at for sample in samples if sample.pool == pool)
        ours = select(ShadowRow.id).where(ShadowRow.pool == pool)
        first_forgotten = ours.order_by(ShadowRow.id.desc()).offset(self._kept).limit(1).scalar_subquery()
        return delete(ShadowRow).where(
            ShadowRow.pool == pool, or_(ShadowRow.at < newest - KEPT_FOR, ShadowRow.id <= first_forgotten)
        )


def _sample(row: RowMapping) -> Sample:
    return Sample(
        pool=PoolName(row["pool"]),
        run_id=RunId(row["run_id"]),
        constant=row["constant"],
        router=row["router"],
        profile_version=row["profile_version"],
        gain=row["gain"],
        constant_micros=Micros(row["constant_micros"]),
        router_micros=Micros(row["router_micros"]),
        at=row["at"],
    )
