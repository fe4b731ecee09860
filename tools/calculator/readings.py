"""Which infix chains have one reading: signs bind as in school, words and contradicting spaces do not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from tools.calculator.expression import NotArithmetic, Operator

_LEVEL: Final = {
    Operator.ADD: 1,
    Operator.SUBTRACT: 1,
    Operator.MULTIPLY: 2,
    Operator.DIVIDE: 2,
    Operator.REMAINDER: 2,
    Operator.POWER: 3,
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One infix operator as it was written: as a word or a sign, with or without spaces."""

    operator: Operator
    as_word: bool
    tight: bool


@dataclass(slots=True)
class Level:
    """The operators met so far between one pair of parentheses."""

    seen: list[Seen] = field(default_factory=list)
    opens_with_square: bool = False

    def hold_square(self, word: str) -> None:
        """Decline "three plus four squared"; "three squared plus four squared" has one reading."""
        if self.seen and not self.opens_with_square:
            raise NotArithmetic(f"{word} may mean the last number or all before it; add parentheses")
        self.opens_with_square = True

    def hold_one_reading(self) -> None:
        """Decline what spoken operators, or the spaces around signs, let people read in two ways."""
        seen = self.seen
        levels = {_LEVEL[one.operator] for one in seen}
        if any(one.as_word for one in seen) and len(levels) > 1:
            raise NotArithmetic("words for operators of different strength can be read in two ways; add parentheses")
        _hold_one_chain_reading([one for one in seen if _LEVEL[one.operator] == _LEVEL[Operator.ADD]])
        products = [one for one in seen if _LEVEL[one.operator] == _LEVEL[Operator.MULTIPLY]]
        _hold_one_product_reading(products)
        _hold_one_chain_reading(products)
        loosest_tight = min((_LEVEL[one.operator] for one in seen if one.tight), default=max(_LEVEL.values()))
        if any(_LEVEL[one.operator] > loosest_tight for one in seen if not one.tight):
            raise NotArithmetic("the spaces group the numbers against the strength of the signs; add parentheses")


def _hold_one_product_reading(products: Sequence[Seen]) -> None:
    operators = {one.operator for one in products}
    if len(products) > 1 and Operator.REMAINDER in operators:
        raise NotArithmetic("a remainder among products can be read in two ways; add parentheses")
    if len(products) > 1 and any(one.as_word for one in products) and operators != {Operator.MULTIPLY}:
        raise NotArithmetic("a spoken division among products can be read in two ways; add parentheses")


def _hold_one_chain_reading(chain: Sequence[Seen]) -> None:
    for first, second in pairwise(chain):
        if first.operator not in (Operator.SUBTRACT, Operator.DIVIDE) or not second.tight:
            continue
        if not first.tight:
            raise NotArithmetic("the spaces group the numbers against reading from the left; add parentheses")
        if first.operator is second.operator:
            raise NotArithmetic("numbers joined so may be a date or a telephone number; put spaces around the signs")
