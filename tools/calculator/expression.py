"""What the grammar reads: a tree of exact numbers and operations, and its normalised text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from core.errors import Unprocessable

MAX_DECIMAL_PLACES: Final = 100


class NotArithmetic(Unprocessable):
    """Raised while reading or computing when no exact, single meaning is there; becomes `Declined`."""


class Operator(StrEnum):
    """What can be done; the value is the sign or the name that the normalised text shows."""

    ADD = "+"
    SUBTRACT = "-"
    MULTIPLY = "*"
    DIVIDE = "/"
    POWER = "^"
    REMAINDER = "mod"
    NEGATE = "negate"
    FACTORIAL = "!"
    ROOT = "root"
    PERCENT_OF = "% of"
    PERCENTAGE = "as a percentage of"
    MEAN = "mean"
    GCD = "gcd"
    LCM = "lcm"


@dataclass(frozen=True, slots=True)
class Number:
    """An exact rational number."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Operation:
    """An operator on its operands, in reading order; ROOT takes the radicand and the degree."""

    operator: Operator
    operands: tuple[Expression, ...]


Expression = Number | Operation


def terminates(value: Fraction) -> int | None:
    """Return how many decimal places write `value` exactly, or None when that takes too many or never ends."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    return places if rest == 1 and places <= MAX_DECIMAL_PLACES else None


def exact(value: Fraction) -> str:
    """Return `value` as a decimal when that is exact, else as a reduced fraction."""
    places = terminates(value)
    if not places:
        return str(value)
    digits = str(abs(value.numerator) * 10**places // value.denominator).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


_BINDING: Final = {
    Operator.ADD: 1,
    Operator.SUBTRACT: 1,
    Operator.MULTIPLY: 2,
    Operator.DIVIDE: 2,
    Operator.REMAINDER: 0,
    Operator.PERCENT_OF: 0,
    Operator.PERCENTAGE: 0,
    Operator.NEGATE: 3,
    Operator.POWER: 4,
    Operator.FACTORIAL: 5,
}
_TIGHTEST: Final = 6
_FROM_THE_LEFT: Final = frozenset({Operator.ADD, Operator.SUBTRACT, Operator.MULTIPLY, Operator.DIVIDE})


def render(expression: Expression) -> str:
    """Return the normalised text: digits, one sign for each operator, and only the parentheses that matter."""
    if isinstance(expression, Number):
        return exact(expression.value)
    shape = _SHAPES.get(expression.operator)
    if shape is not None:
        return shape(expression.operands)
    return f"{expression.operator}({', '.join(map(render, expression.operands))})"


def _infix(operator: Operator) -> Callable[[tuple[Expression, ...]], str]:
    gap = "" if operator is Operator.POWER else " "
    right_binding = _BINDING[operator] + 1 if _BINDING[operator] else _TIGHTEST
    left_binding = _BINDING[operator] if operator in _FROM_THE_LEFT else right_binding

    def text(operands: tuple[Expression, ...]) -> str:
        left, right = operands
        return f"{_within(left, left_binding)}{gap}{operator.value}{gap}{_within(right, right_binding)}"

    return text


def _percent_of(operands: tuple[Expression, ...]) -> str:
    share, whole = operands
    chained = isinstance(whole, Operation) and whole.operator is Operator.PERCENT_OF
    return f"{_within(share, _TIGHTEST)}% of {_within(whole, 0 if chained else _TIGHTEST)}"


def _root(operands: tuple[Expression, ...]) -> str:
    radicand, degree = operands
    inner = render(radicand)
    return f"sqrt({inner})" if degree == Number(Fraction(2)) else f"root({inner}, {render(degree)})"


_SHAPES: Final[dict[Operator, Callable[[tuple[Expression, ...]], str]]] = {
    **{
        operator: _infix(operator)
        for operator in (
            Operator.ADD,
            Operator.SUBTRACT,
            Operator.MULTIPLY,
            Operator.DIVIDE,
            Operator.POWER,
            Operator.REMAINDER,
            Operator.PERCENTAGE,
        )
    },
    Operator.NEGATE: lambda operands: f"-{_within(operands[0], _BINDING[Operator.FACTORIAL])}",
    Operator.FACTORIAL: lambda operands: f"{_within(operands[0], _TIGHTEST)}!",
    Operator.PERCENT_OF: _percent_of,
    Operator.ROOT: _root,
}


def _within(expression: Expression, binding: int) -> str:
    text = render(expression)
    return text if _binding(expression) >= binding else f"({text})"


def _binding(expression: Expression) -> int:
    if isinstance(expression, Number):
        if expression.value < 0:
            return _BINDING[Operator.NEGATE]
        return _TIGHTEST if terminates(expression.value) is not None else _BINDING[Operator.DIVIDE]
    return _BINDING.get(expression.operator, _TIGHTEST)
