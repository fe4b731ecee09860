"""Budgets and spends: the cap, what was used, and the pure rules between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from core.ids import HoldId
from core.money import FREE, Micros

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True)
class Budget:
    """A cap; `None` is no cap in that resource. `seconds` is wall time from admission."""

    micros: Micros | None = None
    tokens: int | None = None
    calls: int | None = None
    seconds: float | None = None

    def within(self, other: Budget) -> Budget:
        """Return the tighter of the two caps, resource by resource."""
        micros = _least(self.micros, other.micros)
        return Budget(
            micros=None if micros is None else Micros(micros),
            tokens=_least(self.tokens, other.tokens),
            calls=_least(self.calls, other.calls),
            seconds=_least(self.seconds, other.seconds),
        )

    def left_after(self, spend: Spend) -> Budget:
        """Return what remains of the cap, never below zero; wall time is the caller's to subtract."""
        return Budget(
            micros=None if self.micros is None else Micros(max(0, self.micros - spend.micros)),
            tokens=None if self.tokens is None else max(0, self.tokens - spend.tokens),
            calls=None if self.calls is None else max(0, self.calls - spend.calls),
            seconds=self.seconds,
        )

    def lacks(self, spend: Spend) -> str | None:
        """Return the first resource that `spend` would take past the cap, or nothing when it fits."""
        if self.micros is not None and spend.micros > self.micros:
            return "usd"
        if self.tokens is not None and spend.tokens > self.tokens:
            return "tokens"
        if self.calls is not None and spend.calls > self.calls:
            return "calls"
        return None


@dataclass(frozen=True, slots=True)
class Spend:
    """What was used, or at most will be."""

    micros: Micros = FREE
    tokens: int = 0
    calls: int = 0

    def __add__(self, other: Spend) -> Spend:
        """Return both together."""
        return Spend(Micros(self.micros + other.micros), self.tokens + other.tokens, self.calls + other.calls)


@dataclass(frozen=True, slots=True)
class Hold:
    """A reservation in the ledger: `ceiling` is set aside in `account` until settled, released or expired."""

    id: HoldId
    account: str
    ceiling: Spend


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account of the ledger: the law is `0 <= spent + held <= cap` in every resource that has a cap."""

    account: str
    cap: Budget
    spent: Spend
    held: Spend


def _least(one: Number | None, other: Number | None) -> Number | None:
    return min((value for value in (one, other) if value is not None), default=None)
