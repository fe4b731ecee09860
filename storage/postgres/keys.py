"""API keys by id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import exc, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.budgets import Budget
from core.errors import Conflict, NotFound
from core.ids import KeyId
from core.keys import ApiKey
from core.money import Micros
from storage.postgres.database import Database
from storage.postgres.schema import KeyRow

_COLUMNS = KeyRow.__table__.columns


class PostgresKeyStore:
    """Keeps what is needed to recognise a key and never what is needed to use it."""

    def __init__(self, database: Database) -> None:
        """Read and write through `database`."""
        self._database = database

    async def add(self, key: ApiKey) -> None:
        """Keep a new key; raises `Conflict` when its id or digest is known."""
        row = {
            "id": key.id,
            "name": key.name,
            "digest": key.digest,
            "created_at": key.created_at,
            "scopes": sorted(key.scopes),
            "expires_at": key.expires_at,
            "revoked_at": key.revoked_at,
            "concurrency": key.concurrency,
            "cap_micros": key.budget.micros,
            "cap_tokens": key.budget.tokens,
            "cap_calls": key.budget.calls,
            "cap_seconds": key.budget.seconds,
        }

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(insert(KeyRow).values(row))

        try:
            await self._database.transact(write)
        except exc.IntegrityError as error:
            if getattr(error.orig, "sqlstate", None) != "23505":
                raise
            raise Conflict(f'a key with the id "{key.id}" or the same digest exists already') from None

    async def find(self, key_id: KeyId) -> ApiKey | None:
        """Return a key, or nothing."""

        async def read(connection: AsyncConnection) -> ApiKey | None:
            row = (await connection.execute(select(*_COLUMNS).where(KeyRow.id == key_id))).one_or_none()
            return None if row is None else _key(row)

        return await self._database.transact(read)

    async def all(self) -> Sequence[ApiKey]:
        """Return every key, newest first."""
        query = select(*_COLUMNS).order_by(KeyRow.created_at.desc(), KeyRow.id.desc())

        async def read(connection: AsyncConnection) -> Sequence[ApiKey]:
            return [_key(row) for row in await connection.execute(query)]

        return await self._database.transact(read)

    async def revoke(self, key_id: KeyId) -> None:
        """Make a key useless from now on; the first time counts; raises `NotFound`."""
        statement = (
            update(KeyRow)
            .where(KeyRow.id == key_id)
            .values(revoked_at=func.coalesce(KeyRow.revoked_at, func.now()))
            .returning(KeyRow.id)
        )

        async def write(connection: AsyncConnection) -> bool:
            return (await connection.execute(statement)).one_or_none() is not None

        if not await self._database.transact(write):
            raise NotFound(f'no key "{key_id[:40]}"', code="unknown_key")

    async def touch(self, used: Iterable[KeyId]) -> None:
        """Record that keys were used now."""
        # Locked in order, so that two processes that touch the same keys never wait for each other.
        wanted = select(KeyRow.id).where(KeyRow.id.in_(sorted(set(used)))).order_by(KeyRow.id).with_for_update()
        statement = (
            update(KeyRow)
            .where(KeyRow.id.in_(wanted), or_(KeyRow.used_at.is_(None), KeyRow.used_at < func.now()))
            .values(used_at=func.now())
        )

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(statement)

        await self._database.transact(write)


def _key(row: Any) -> ApiKey:
    return ApiKey(
        id=KeyId(row.id),
        name=row.name,
        digest=row.digest,
        created_at=row.created_at,
        scopes=frozenset(row.scopes),
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        concurrency=row.concurrency,
        budget=Budget(
            micros=None if row.cap_micros is None else Micros(row.cap_micros),
            tokens=row.cap_tokens,
            calls=row.cap_calls,
            seconds=row.cap_seconds,
        ),
    )
