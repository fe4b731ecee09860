"""Escrow as Valkey spends it: operations on accounts, a batch a round trip."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.budgets import Spend
from core.ids import HoldId
from core.money import Micros
from storage.valkey.connection import Valkey
from storage.valkey.scripts import Script

_LEDGER = Script("ledger")
_ACTIVE = "conclave:ledger:active"
_PREFIX = "v."

NEVER_MS = 10**13
"""An idle time no account reaches."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One line for ledger.lua: `verb`, the account, and the words after it."""

    verb: str
    account: str
    words: str


class Terms(Protocol):
    """The terms of an account at a version: how many holds it may have, and whether it is overdrawn."""

    @property
    def version(self) -> int:
        """Return what grows with every change."""
        ...

    @property
    def concurrency(self) -> int | None:
        """Return how many holds there may be at once."""
        ...

    @property
    def overdrawn(self) -> bool:
        """Return whether nothing may be reserved."""
        ...


@dataclass(frozen=True, slots=True)
class Lack:
    """A reservation that does not fit: the escrow to draw for, and what is free in it now, though frozen perhaps."""

    escrow: str
    free: Spend
    frozen: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What became of an escrow: `returned` and `spent` only grow, so that a report may be told twice."""

    account: str
    escrow: str
    returned: Spend
    spent: Spend
    held: Spend
    holds: int
    expired: int


class Holds:
    """Names for holds of one process. A hold's name carries its ceiling, so that one entry in Valkey is all of it."""

    def __init__(self) -> None:
        """Start a series no other process has."""
        self._token = secrets.token_hex(8)
        self._count = 0

    def new(self, ceiling: Spend) -> HoldId:
        """Return a name never returned before."""
        self._count += 1
        return HoldId(f"{_PREFIX}{self._token}{self._count:x}.{ceiling.micros}.{ceiling.tokens}.{ceiling.calls}")


def in_valkey(hold: HoldId) -> bool:
    """Whether the hold was made in Valkey."""
    return hold.startswith(_PREFIX)


def ceiling_of(hold: HoldId) -> Spend:
    """Return the ceiling that the name of a hold in Valkey carries."""
    micros, tokens, calls = hold.split(".")[2:]
    return Spend(Micros(int(micros)), int(tokens), int(calls))


def reserve(account: str, hold: HoldId, ttl_s: float) -> Operation:
    """Answered `ok`, `busy` and how many there may be, or what `lack` reads."""
    return Operation("r", account, f"{hold} {max(1, round(ttl_s * 1000))}")


def settle(account: str, hold: HoldId, actual: Spend) -> Operation:
    """Answered `ok`, whether or not the hold was there."""
    return Operation("s", account, f"{hold} {_words(actual)}")


def release(account: str, hold: HoldId) -> Operation:
    """Answered `ok`, whether or not the hold was there."""
    return Operation("x", account, hold)


def credit(account: str, escrow: str, drawn: Spend, terms: Terms) -> Operation:
    """Tell what was drawn for `escrow` in all; an older telling changes nothing."""
    return Operation("d", account, f"{escrow} {_words(drawn)} {_terms(terms)}")


def configure(account: str, terms: Terms) -> Operation:
    """Tell the terms of an account; an older version changes nothing."""
    return Operation("c", account, _terms(terms))


def examine(account: str, idle_ms: int = NEVER_MS) -> Operation:
    """Expire holds, give back what is free of an account unused for `idle_ms`; answered what `report` reads."""
    return Operation("e", account, str(idle_ms))


def forget(told: Report, idle_ms: int) -> Operation:
    """Remove an account unused for `idle_ms`, of which nothing is left but what was told."""
    return Operation("f", told.account, f"{told.escrow} {_words(told.returned)} {_words(told.spent)} {idle_ms}")


def disown(account: str, escrow: str) -> Operation:
    """Remove an account whose escrow PostgreSQL closed: what it had counts as spent there."""
    return Operation("z", account, escrow)


def lack(answer: str) -> Lack:
    """Read the answer to a reservation that does not fit."""
    _, escrow, *free, frozen = answer.split()
    return Lack(escrow, _spend(free), frozen == "1")


def report(account: str, answer: str) -> Report:
    """Read the answer to `examine`."""
    escrow, *amounts, holds, expired = answer.split()
    return Report(
        account, escrow, _spend(amounts[:3]), _spend(amounts[3:6]), _spend(amounts[6:]), int(holds), int(expired)
    )


class ValkeyEscrow:
    """Runs batches of operations."""

    def __init__(self, valkey: Valkey) -> None:
        """Run them in `valkey`."""
        self._valkey = valkey

    async def run(self, operations: Sequence[Operation]) -> list[str]:
        """Return the answer to each operation; raises `Unavailable`, when some or all may have been done."""
        numbers: dict[str, int] = {}
        lines = [
            f"{operation.verb} {numbers.setdefault(operation.account, len(numbers) + 1)} {operation.words}"
            for operation in operations
        ]
        answers: str = await self._valkey.run(_LEDGER, (), (secrets.token_hex(8), len(numbers), *numbers, *lines))
        return answers.split("\n")

    async def active(self) -> list[str]:
        """Return the accounts Valkey holds anything of, the longest unused first."""
        return list(await self._valkey.command("ZRANGE", _ACTIVE, 0, -1))


def _terms(terms: Terms) -> str:
    return f"{terms.version} {terms.concurrency or 0} {int(terms.overdrawn)}"


def _words(spend: Spend) -> str:
    return f"{spend.micros} {spend.tokens} {spend.calls}"


def _spend(words: Sequence[str]) -> Spend:
    return Spend(Micros(int(words[0])), int(words[1]), int(words[2]))
