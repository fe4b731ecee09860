"""Versioned profiles of pools, each version one JSON document."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.ids import PoolName
from core.profiles import ProfileSet
from storage.postgres.database import Database
from storage.postgres.schema import ProfileRow

_profiles: TypeAdapter[ProfileSet] = TypeAdapter(ProfileSet)


class PostgresProfileStore:
    """Keeps every version that was measured."""

    def __init__(self, database: Database) -> None:
        """Read and write through `database`."""
        self._database = database

    async def save(self, profiles: ProfileSet) -> None:
        """Keep a version; saving the same version again changes nothing."""
        document: dict[str, Any] = _profiles.dump_python(profiles, mode="json")
        statement = insert(ProfileRow).values(
            pool=profiles.pool,
            version=profiles.version,
            questions_id=profiles.questions_id,
            measured_at=profiles.measured_at,
            data=document,
        )

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(statement.on_conflict_do_nothing())

        await self._database.transact(write)

    async def latest(self, pool: PoolName) -> ProfileSet | None:
        """Return the newest profiles of a pool, or nothing when none were measured."""
        query = (
            select(ProfileRow.data)
            .where(ProfileRow.pool == pool)
            .order_by(ProfileRow.measured_at.desc(), ProfileRow.saved_at.desc())
            .limit(1)
        )

        async def read(connection: AsyncConnection) -> dict[str, Any] | None:
            return (await connection.execute(query)).scalar_one_or_none()

        document = await self._database.transact(read)
        return None if document is None else _profiles.validate_python(document)
