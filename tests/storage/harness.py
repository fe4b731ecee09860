"""What a contract test needs of an implementation: the port, and time that passes when the test says so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from core.clock import ManualClock
from core.ports import Ledger, Mailbox
from storage.ledger import EscrowLedger
from storage.postgres.database import Database
from storage.valkey.connection import Valkey


class Time(Protocol):
    """Time as an implementation sees it."""

    async def passes(self, seconds: float) -> None:
        """Return when the implementation has seen `seconds` pass."""
        ...


@dataclass
class MovedTime:
    """A clock that is told."""

    clock: ManualClock

    async def passes(self, seconds: float) -> None:
        self.clock.advance(seconds)


@dataclass
class ServerTime:
    """The clock of a Valkey server: a blocking pop returns when the server has seen the seconds pass."""

    valkey: Valkey

    async def passes(self, seconds: float) -> None:
        await self.valkey.command("BLPOP", "conclave:test:nothing", seconds)


@dataclass
class MailboxCase:
    """A mailbox of at most three waiting requests a model."""

    mailbox: Mailbox
    time: Time


async def _nothing() -> None:
    """Nothing to do."""


@dataclass
class LedgerCase:
    """A ledger without accounts; how to close it, and how to make its Valkey lose everything if it has one."""

    ledger: Ledger
    time: Time
    close: Callable[[], Awaitable[Any]] = _nothing
    lose: Callable[[], Awaitable[Any]] | None = None


def service_case(redis_url: str, postgres_url: str) -> LedgerCase:
    """The ledger of the service, with connections of its own."""
    valkey, database = Valkey(redis_url), Database(postgres_url, pool_size=4)
    ledger = EscrowLedger(valkey, database)

    async def close() -> None:
        await ledger.aclose()
        await valkey.aclose()
        await database.aclose()

    return LedgerCase(ledger, ServerTime(valkey), close, lambda: valkey.command("FLUSHALL"))
