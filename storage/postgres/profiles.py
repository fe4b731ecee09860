"""Versioned profiles of pools, each version one JSON document."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.orm import InstrumentedAttribute

from core.ids import PoolName
from core.profiles import ProfileSet
from storage.postgres.database import Database
from storage.postgres.schema import ProfileRow

_Value = TypeVar("_Value")
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

    async def newest(self, pool: PoolName) -> str | None:
        """Return the version of the newest profiles of a pool, without reading them."""
        query = _newest(pool, ProfileRow.version)

        async def read(connection: AsyncConnection) -> str | None:
            return (await connection.execute(query)).scalar_one_or_none()

        return await self._database.transact(read)

    async def latest(self, pool: PoolName) -> ProfileSet | None:
        """Return the newest profiles of a pool, or nothing when none were measured."""
        query = _newest(pool, ProfileRow.data)

        async def read(connection: AsyncConnection) -> dict[str, Any] | None:
            return (await connection.execute(query)).scalar_one_or_none()

        document = await self._database.transact(read)
        # Thousands of lessons take longer to check than an event loop may wait.
        return None if document is None else await asyncio.to_thread(_profiles.validate_python, document)


def _newest(pool: PoolName, column: InstrumentedAttribute[_Value]) -> Select[_Value]:
    query = select(column).where(ProfileRow.pool == pool)
    return query.order_by(ProfileRow.measured_at.desc(), ProfileRow.saved_at.desc()).limit(1)
