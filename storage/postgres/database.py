"""The pool of connections of one process: every deadline, every retry and every translation of a database error."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from core.errors import Unavailable
from storage.postgres.url import dialect_url

Result = TypeVar("Result")

CONNECT_S = 2
"""Seconds a new connection, or a free one of the pool, may be waited for."""

# Deadlines the server keeps for us, in milliseconds.
_SERVER_LIMITS = "-c statement_timeout=5000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=10000"
_SERIALIZATION_FAILURE, _DEADLOCK = "40001", "40P01"
_RETRIES = 3
_PAUSE_S = 0.02

_log = structlog.get_logger(__name__)


class Database:
    """Transactions on PostgreSQL; made once a process, inside its event loop, and closed with `aclose`."""

    def __init__(self, database_url: str, *, pool_size: int = 8, rng: random.Random | None = None) -> None:
        """Hold at most `pool_size` connections; `rng` spreads retries."""
        self._rng = rng or random.Random()
        self._engine = create_async_engine(
            dialect_url(database_url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=CONNECT_S,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={
                "connect_timeout": CONNECT_S,
                "options": _SERVER_LIMITS,
                "application_name": "conclave",
                # Seconds until a peer that vanished without a word is given up.
                "keepalives_idle": 10,
                "keepalives_interval": 5,
                "keepalives_count": 3,
            },
        )

    async def transact(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        """Return what `work` returns, committed; `work` may run up to four times, each time in a new transaction.

        Deadlocks and serialization failures are retried. Raises `Unavailable` when the database cannot be reached,
        is full, or takes too long; integrity errors pass through.
        """
        for attempt in range(_RETRIES):
            try:
                return await self._once(work)
            except exc.DBAPIError as error:
                if sqlstate(error) not in (_SERIALIZATION_FAILURE, _DEADLOCK):
                    raise
                _log.info("postgres.retried", sqlstate=sqlstate(error), attempt=attempt + 1)
                await asyncio.sleep(_PAUSE_S * 2**attempt * (0.5 + self._rng.random()))
        return await self._once(work)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._engine.dispose()

    async def _once(self, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
        try:
            async with self._engine.begin() as connection:
                return await work(connection)
        except exc.TimeoutError:
            raise Unavailable(
                "every database connection is in use; try again shortly", retry_after_s=float(CONNECT_S)
            ) from None
        except exc.DBAPIError as error:
            if sqlstate(error) in (_SERIALIZATION_FAILURE, _DEADLOCK) or not _is_outage(error):
                raise
            _log.warning("postgres.unavailable", sqlstate=sqlstate(error), reason=type(error.orig).__name__)
            raise Unavailable("PostgreSQL cannot be reached; try again shortly", retry_after_s=CONNECT_S) from error


def sqlstate(error: exc.DBAPIError) -> str | None:
    """Return the five-character code PostgreSQL gave, or nothing when it never answered."""
    original: Any = error.orig
    return getattr(original, "sqlstate", None)


def _is_outage(error: exc.DBAPIError) -> bool:
    return error.connection_invalidated or isinstance(error, exc.OperationalError | exc.InterfaceError)
