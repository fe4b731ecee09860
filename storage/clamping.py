"""What a settled spend may be: never less than nothing, never more than was reserved for it."""

from __future__ import annotations

from core.budgets import Spend
from core.money import Micros


def clamped(actual: Spend, ceiling: Spend) -> Spend:
    """Return `actual` with each resource brought between zero and `ceiling`."""
    return Spend(
        Micros(max(0, min(actual.micros, ceiling.micros))),
        max(0, min(actual.tokens, ceiling.tokens)),
        max(0, min(actual.calls, ceiling.calls)),
    )


def refuse_negative(ceiling: Spend) -> None:
    """Raise `ValueError` for a ceiling below zero: it would make room for others."""
    if min(ceiling.micros, ceiling.tokens, ceiling.calls) < 0:
        raise ValueError(f"a ceiling is never negative: {ceiling}")
