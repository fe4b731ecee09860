"""Exact evaluation: fractions as long as the result is rational, sympy only once a root is not.

Every result is held to a size, so that no question costs more than a few milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Context, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Final, TypeAlias, cast

from tools.calculator.expression import Expression, NotArithmetic, Number, Operation, Operator, exact, terminates

if TYPE_CHECKING:
    from sympy import Expr

MAX_DIGITS: Final = 1000
MAX_ROOT_DEGREE: Final = 100
MAX_TERMS: Final = 12
SIGNIFICANT_DIGITS: Final = 10

_MAX_BITS: Final = int(MAX_DIGITS * math.log2(10))
_MAX_FACTORIAL: Final = 449
_MAX_ROOT_POWER: Final = 8
_MAX_PLAIN_EXPONENT: Final = 15
_MAX_RADICAND_BITS: Final = 200  # sympy spends 0.15 s on the factors of a 900-digit radicand

Exact: TypeAlias = "Fraction | Expr"


def evaluate(expression: Expression) -> str:
    """Return the exact value as text: a whole number, a decimal that ends, or a fraction or root and `≈` ten digits.

    Raises:
        NotArithmetic: for what is undefined, not real, or larger than MAX_DIGITS digits.
    """
    suffix = "%" if isinstance(expression, Operation) and expression.operator is Operator.PERCENTAGE else ""
    value = _value(expression)
    if isinstance(value, Fraction):
        if terminates(value) is not None:
            return exact(value) + suffix
        approximation = Context(prec=SIGNIFICANT_DIGITS).divide(Decimal(value.numerator), Decimal(value.denominator))
        return f"{exact(value)}{suffix} ≈ {_plain(approximation)}{suffix}"
    approximation = Context(prec=SIGNIFICANT_DIGITS).create_decimal(str(value.evalf(SIGNIFICANT_DIGITS + 10)))
    return f"{str(value).replace('**', '^')}{suffix} ≈ {_plain(approximation)}{suffix}"


def _plain(number: Decimal) -> str:
    if abs(number.adjusted()) > _MAX_PLAIN_EXPONENT:
        return f"{number:e}"
    return f"{number:f}"


def _value(expression: Expression) -> Exact:
    if isinstance(expression, Number):
        return _held(expression.value)
    operands = [_value(operand) for operand in expression.operands]
    return _held(_RULES[expression.operator](operands))


def _held(value: Exact) -> Exact:
    if isinstance(value, Fraction):
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > _MAX_BITS:
            raise NotArithmetic(f"the result has more than {MAX_DIGITS} digits")
        return value
    from sympy import Add, expand

    settled = expand(value)
    if settled.is_Rational:
        return _held(Fraction(int(settled.p), int(settled.q)))
    if len(Add.make_args(settled)) > MAX_TERMS or not settled.is_real:
        raise NotArithmetic("the result is no short sum of real roots")
    return cast("Expr", settled)


def _divide(operands: Sequence[Exact]) -> Exact:
    dividend, divisor = operands
    if divisor == 0:
        raise NotArithmetic("division by zero is undefined")
    if isinstance(divisor, Fraction):
        return dividend / divisor
    from sympy import Add, radsimp

    if len(Add.make_args(divisor)) > 2:
        raise NotArithmetic("the result is no short sum of real roots")
    return cast("Expr", radsimp(dividend / divisor))


def _power(operands: Sequence[Exact]) -> Exact:
    base, exponent = operands
    if not isinstance(exponent, Fraction):
        raise NotArithmetic("an irrational exponent has no exact value here")
    if base == 0 and exponent <= 0:
        raise NotArithmetic("zero to a power that is not positive is undefined")
    if isinstance(base, Fraction):
        return _rational_power(base, exponent)
    if exponent.denominator != 1 or abs(exponent) > _MAX_ROOT_POWER:
        raise NotArithmetic("such a power of a root has no short exact value")
    raised = _held(base ** abs(int(exponent)))
    return raised if exponent > 0 else _divide((Fraction(1), raised))


def _rational_power(base: Fraction, exponent: Fraction) -> Exact:
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(base) not in (0, 1) and (size - 1) * abs(exponent) > _MAX_BITS:
        raise NotArithmetic(f"the result has more than {MAX_DIGITS} digits")
    if exponent.denominator == 1:
        return base ** (int(exponent) if abs(base) != 1 else int(exponent) % 2)
    if abs(base) in (0, 1) and base >= 0:
        return base
    return _root((_held(_rational_power(base, Fraction(exponent.numerator))), Fraction(exponent.denominator)))


def _root(operands: Sequence[Exact]) -> Exact:
    radicand, degree = operands
    if not isinstance(radicand, Fraction) or not isinstance(degree, Fraction):
        raise NotArithmetic("a root of a root has no short exact value here")
    if degree.denominator != 1 or not 2 <= degree <= MAX_ROOT_DEGREE:
        raise NotArithmetic(f"roots are known from the 2nd to the {MAX_ROOT_DEGREE}th")
    if radicand < 0:
        raise NotArithmetic("a root of a negative number is not one real number")
    perfect = _perfect_root(radicand, int(degree))
    if perfect is not None:
        return perfect
    if max(radicand.numerator.bit_length(), radicand.denominator.bit_length()) > _MAX_RADICAND_BITS:
        raise NotArithmetic("such a large root has no short exact value")
    from sympy import Rational, root

    return _held(cast("Expr", root(Rational(radicand.numerator, radicand.denominator), int(degree))))


def _perfect_root(radicand: Fraction, degree: int) -> Fraction | None:
    found = Fraction(_floor_root(radicand.numerator, degree), _floor_root(radicand.denominator, degree))
    return found if found**degree == radicand else None


def _floor_root(number: int, degree: int) -> int:
    low, high = 0, 1 << (number.bit_length() // degree + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle**degree <= number else (low, middle)
    return low


def _whole(operands: Sequence[Exact], what: str, *, least: int = 0) -> list[int]:
    numbers = [int(o) for o in operands if isinstance(o, Fraction) and o.denominator == 1 and o >= least]
    if len(numbers) != len(operands):
        raise NotArithmetic(f"{what} is defined here for whole numbers from {least} on")
    return numbers


def _remainder(operands: Sequence[Exact]) -> Exact:
    dividend, divisor = _whole(operands, "a remainder")
    if divisor == 0:
        raise NotArithmetic("a remainder of a division by zero is undefined")
    return Fraction(dividend % divisor)


def _factorial(operands: Sequence[Exact]) -> Exact:
    (number,) = _whole(operands, "a factorial")
    if number > _MAX_FACTORIAL:
        raise NotArithmetic(f"the result has more than {MAX_DIGITS} digits")
    return Fraction(math.factorial(number))


def _mean(operands: Sequence[Exact]) -> Exact:
    total: Exact = Fraction(0)
    for operand in operands:
        total = total + operand
    return total / Fraction(len(operands))


_RULES: Final[dict[Operator, Callable[[Sequence[Exact]], Exact]]] = {
    Operator.ADD: lambda o: o[0] + o[1],
    Operator.SUBTRACT: lambda o: o[0] - o[1],
    Operator.MULTIPLY: lambda o: o[0] * o[1],
    Operator.DIVIDE: _divide,
    Operator.POWER: _power,
    Operator.REMAINDER: _remainder,
    Operator.NEGATE: lambda o: -o[0],
    Operator.FACTORIAL: _factorial,
    Operator.ROOT: _root,
    Operator.PERCENT_OF: lambda o: o[0] / Fraction(100) * o[1],
    Operator.PERCENTAGE: lambda o: _divide(o) * Fraction(100),
    Operator.MEAN: _mean,
    Operator.GCD: lambda o: Fraction(math.gcd(*_whole(o, "a common divisor", least=1))),
    Operator.LCM: lambda o: Fraction(math.lcm(*_whole(o, "a common multiple", least=1))),
}
