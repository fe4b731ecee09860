"""Money as whole micro-dollars: sums are exact, and a price never rounds to free."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import NewType

Micros = NewType("Micros", int)
"""A sum of money in millionths of a US dollar."""

FREE = Micros(0)
_PER_DOLLAR = 1_000_000


def from_usd(usd: float | str | Decimal) -> Micros:
    """Return dollars as micro-dollars, rounded up to the next whole one."""
    return Micros(int((Decimal(str(usd)) * _PER_DOLLAR).to_integral_value(ROUND_CEILING)))


def to_usd(micros: int) -> float:
    """Return micro-dollars as a float of dollars, for people and JSON only."""
    return micros / _PER_DOLLAR


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, in micro-dollars per million tokens; `per_call` is in micro-dollars a call."""

    input_per_million: int = 0
    output_per_million: int = 0
    cached_input_per_million: int | None = None
    per_call: int = 0

    @property
    def free(self) -> bool:
        """Whether no use of the model costs money."""
        return not (self.input_per_million or self.output_per_million or self.per_call)

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> Micros:
        """Return the cost of one call, rounded up; `cached_tokens` are part of `input_tokens`."""
        cached_rate = self.input_per_million if self.cached_input_per_million is None else self.cached_input_per_million
        total = (
            (input_tokens - cached_tokens) * self.input_per_million
            + cached_tokens * cached_rate
            + output_tokens * self.output_per_million
        )
        return Micros(-(-total // 1_000_000) + self.per_call)
