"""The true state of every account: caps, what was spent, and what was handed out to be spent in Valkey.

Whoever changes an account, its escrow or its holds first locks the account's row, and several in the order of their
names. The law `spent + escrowed <= cap` is a CHECK of the table: a mistake here is an error there, never money.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from core.budgets import Budget, Spend
from core.money import Micros
from storage.postgres import account_statements as statements
from storage.postgres.database import Database
from storage.postgres.schema import RESOURCES
from storage.refusals import unknown

AHEAD = 64
"""How many times what is wanted is drawn at once, so that most reservations need no database."""

_SHARE = 4
"""At most one part in so many of what is left is drawn ahead, so that little is lost with a Valkey that is lost."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The account after `open`: its terms, whether they changed, and whether it is a new one."""

    version: int
    concurrency: int | None
    overdrawn: bool
    changed: bool
    new: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn for an escrow in all, what the account has left to draw, and its terms."""

    total: Spend
    left: Budget
    version: int
    concurrency: int | None
    overdrawn: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What became of an escrow, in totals since it was opened."""

    account: str
    escrow: str
    returned: Spend
    spent: Spend


@dataclass(frozen=True, slots=True)
class Truth:
    """An account as PostgreSQL knows it.

    `told` is what of `spent` the open escrow reported; `outstanding` what it may still spend, in capped resources.
    """

    cap: Budget
    spent: Spend
    held: Spend
    escrow: str | None
    told: Spend
    outstanding: Spend


class PostgresAccounts:
    """Accounts and their escrows."""

    def __init__(self, database: Database) -> None:
        """Work through `database`."""
        self._database = database

    async def open(self, name: str, cap: Budget, concurrency: int | None) -> Opened:
        """Make the account or change its caps; lowered below what it used, it stays overdrawn until it fits again."""
        given = {"name": name, "concurrency": concurrency, **_named("cap_", (cap.micros, cap.tokens, cap.calls))}

        async def work(connection: AsyncConnection) -> Opened:
            inserted = (await connection.execute(statements.INSERT, given)).one_or_none()
            if inserted is not None:
                return Opened(inserted.version, concurrency, overdrawn=False, changed=True, new=True)
            changed = (await connection.execute(statements.CHANGE, given)).one_or_none()
            if changed is not None:
                return Opened(changed.version, concurrency, changed.overdrawn, changed=True, new=False)
            same = await locked(connection, name)
            return Opened(same.version, concurrency, same.overdrawn, changed=False, new=False)

        return await self._database.transact(work)

    async def draw(self, name: str, escrow: str, wanted: Spend) -> Drawn | None:
        """Hand out what is wanted and more, or what is left, to an escrow; nothing when the escrow was closed.

        A new escrow closes the account's open one, whose unreported rest then counts as spent in capped resources.
        Raises `NotFound` for an account never opened.
        """

        async def work(connection: AsyncConnection) -> Drawn | None:
            account = await locked(connection, name)
            if not await _is_open(connection, name, escrow):
                return None
            # Closing another escrow turns escrowed amounts into spent ones: what is left stays what it was.
            left = left_of(account)
            wants = (wanted.micros, wanted.tokens, wanted.calls)
            grant = [_block(want, rest) for want, rest in zip(wants, left, strict=True)]
            amounts = {"name": name, "escrow": escrow, **_named("grant_", grant)}
            now = (await connection.execute(statements.HAND_OUT, amounts)).one()
            total = (await connection.execute(statements.DRAW, amounts)).one()
            rest = [None if have is None else have - given for have, given in zip(left, grant, strict=True)]
            return Drawn(spend_of(total, "drawn_"), budget_of(rest), now.version, now.concurrency, now.overdrawn)

        return await self._database.transact(work)

    async def tell(self, told: Sequence[Told]) -> None:
        """Take in what was returned and spent; telling twice, late or out of order changes nothing."""
        if not told:
            return
        columns: dict[str, list[Any]] = {
            "escrow": [line.escrow for line in told],
            **{f"returned_{r}": [getattr(line.returned, r) for line in told] for r in RESOURCES},
            **{f"spent_{r}": [getattr(line.spent, r) for line in told] for r in RESOURCES},
        }

        async def work(connection: AsyncConnection) -> None:
            # A statement of its own: the next one must see what others wrote before the locks were ours.
            await connection.execute(statements.LOCK_ALL, {"names": sorted({line.account for line in told})})
            await connection.execute(statements.TELL, columns)

        await self._database.transact(work)

    async def truth(self, name: str) -> Truth:
        """Return what is known of an account; raises `NotFound`."""

        async def work(connection: AsyncConnection) -> Truth:
            row = (await connection.execute(statements.TRUTH, {"name": name})).one_or_none()
            if row is None:
                raise unknown(name)
            return Truth(
                cap=budget_of([getattr(row, f"cap_{r}") for r in RESOURCES]),
                spent=spend_of(row, "spent_"),
                held=spend_of(row, "held_"),
                escrow=row.escrow,
                told=spend_of(row, "told_"),
                outstanding=spend_of(row, "outstanding_"),
            )

        return await self._database.transact(work)


async def locked(connection: AsyncConnection, name: str) -> Row[Any]:
    """Lock and return an account's row; raises `NotFound`."""
    row = (await connection.execute(statements.LOCK, {"name": name})).one_or_none()
    if row is None:
        raise unknown(name)
    return row


def left_of(account: Row[Any]) -> list[int | None]:
    """Return what an account has left to hand out, resource by resource; nothing where there is no cap."""
    return [
        None
        if getattr(account, f"cap_{r}") is None
        else max(0, getattr(account, f"cap_{r}") - getattr(account, f"spent_{r}") - getattr(account, f"escrowed_{r}"))
        for r in RESOURCES
    ]


def budget_of(amounts: Sequence[int | None]) -> Budget:
    """Return amounts in the order of `RESOURCES` as a budget."""
    micros, tokens, calls = amounts
    return Budget(None if micros is None else Micros(micros), tokens, calls)


def spend_of(row: Row[Any], prefix: str) -> Spend:
    """Return the amounts of a row whose columns begin with `prefix`."""
    micros, tokens, calls = (int(getattr(row, f"{prefix}{r}")) for r in RESOURCES)
    return Spend(Micros(micros), tokens, calls)


async def _is_open(connection: AsyncConnection, name: str, escrow: str) -> bool:
    """Make `escrow` the account's open one if it never was one; return false when it was closed before."""
    rows = (await connection.execute(statements.ESCROWS, {"name": name, "escrow": escrow})).all()
    for row in rows:
        if row.id == escrow:
            return row.closed_at is None
    for row in rows:
        await connection.execute(statements.WRITE_OFF, {"name": name, "escrow": row.id})
        await connection.execute(statements.CLOSE, {"escrow": row.id})
        await connection.execute(statements.REMOVE_EMPTY, {"escrow": row.id})
    await connection.execute(statements.OPEN_ESCROW, {"name": name, "escrow": escrow})
    return True


def _block(wanted: int, rest: int | None) -> int:
    """Return how much to hand out: what is wanted and more while plenty is left, then what is wanted, then the rest."""
    if rest is None:
        return wanted * AHEAD
    return min(rest, max(wanted, min(wanted * AHEAD, rest // _SHARE)))


def _named(prefix: str, amounts: Iterable[int | None]) -> dict[str, int | None]:
    return {f"{prefix}{r}": amount for r, amount in zip(RESOURCES, amounts, strict=True)}
