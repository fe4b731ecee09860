"""Whole questions in words: "17.5% of 2340", "the sum of 2, 3 and 4", "increase 80 by 25%", "20 is what percent of 80".

Every phrase is tried on the whole body; the body is read only when exactly one reading consumes all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import reduce
from typing import Final

from tools.calculator.expression import Expression, NotArithmetic, Number, Operation, Operator
from tools.calculator.infix import THREE, TWO, Reader
from tools.calculator.tokens import Kind, Token

_PERCENT: Final = ("%", "percent", "per cent")
_WHAT_PERCENT: Final = ("what percentage of", "what percent of", "what % of", "what per cent of")
_FRACTIONS: Final = {
    "half of": Fraction(1, 2),
    "half": Fraction(1, 2),
    "a half of": Fraction(1, 2),
    "one half of": Fraction(1, 2),
    "a quarter of": Fraction(1, 4),
    "one quarter of": Fraction(1, 4),
    "three quarters of": Fraction(3, 4),
    "a third of": Fraction(1, 3),
    "one third of": Fraction(1, 3),
    "two thirds of": Fraction(2, 3),
    "a fifth of": Fraction(1, 5),
    "a tenth of": Fraction(1, 10),
    "twice": Fraction(2),
    "double": Fraction(2),
    "triple": Fraction(3),
}
_LISTS: Final = {
    "sum of": Operator.ADD,
    "total of": Operator.ADD,
    "product of": Operator.MULTIPLY,
    "average of": Operator.MEAN,
    "mean of": Operator.MEAN,
    "gcd of": Operator.GCD,
    "greatest common divisor of": Operator.GCD,
    "greatest common factor of": Operator.GCD,
    "highest common factor of": Operator.GCD,
    "lcm of": Operator.LCM,
    "least common multiple of": Operator.LCM,
    "lowest common multiple of": Operator.LCM,
}
_VERBS: Final = {
    "add": (Operator.ADD, ("to", "and"), False),
    "subtract": (Operator.SUBTRACT, ("from",), True),
    "multiply": (Operator.MULTIPLY, ("by", "with", "and"), False),
    "divide": (Operator.DIVIDE, ("by",), False),
}
_CHANGES: Final = {
    "increase": Operator.ADD,
    "raise": Operator.ADD,
    "decrease": Operator.SUBTRACT,
    "reduce": Operator.SUBTRACT,
}
_CHANGED: Final = {
    "increased by": Operator.ADD,
    "raised by": Operator.ADD,
    "decreased by": Operator.SUBTRACT,
    "reduced by": Operator.SUBTRACT,
}
_COMPARED: Final = {"more than": Operator.ADD, "less than": Operator.SUBTRACT}


def read(body: Sequence[Token]) -> Expression:
    """Return the one expression that `body` means.

    Raises:
        NotArithmetic: when no phrase consumes all of it, when two readings differ, or when nothing is to be computed.
    """
    readings: list[Expression] = []
    refusal, furthest = NotArithmetic("there is nothing to read"), -1
    for phrase in _PHRASES:
        reader = Reader(body)
        try:
            reading = phrase(reader)
            reader.finish()
        except NotArithmetic as stop:
            if reader.position > furthest:
                refusal, furthest = stop, reader.position
        else:
            readings.append(reading)
    if not readings:
        raise refusal
    if any(reading != readings[0] for reading in readings):
        raise NotArithmetic("it can be read in two ways")
    if _is_only_a_number(readings[0]):
        raise NotArithmetic("a single number leaves nothing to compute")
    return readings[0]


def _is_only_a_number(expression: Expression) -> bool:
    while isinstance(expression, Operation) and expression.operator is Operator.NEGATE:
        expression = expression.operands[0]
    return isinstance(expression, Number)


def _fraction_of(reader: Reader) -> Expression:
    if reader.next.is_plain_integer:
        share = reader.operand()
        reader.expect("of")
        if isinstance(share, Number):
            raise NotArithmetic("a whole number of another is not a calculation")
        return Operation(Operator.MULTIPLY, (share, reader.operand()))
    reader.take("the")
    phrase = reader.take(*sorted(_FRACTIONS, key=len, reverse=True)) or _ordinal_fraction(reader)
    return Operation(Operator.MULTIPLY, (Number(_FRACTIONS[phrase]), _single(reader)))


def _ordinal_fraction(reader: Reader) -> str:
    article, part, of = reader.ahead(0), reader.ahead(1), reader.ahead(2)
    phrase = f"{article.text} {part.text} {of.text}"
    if phrase not in _FRACTIONS:
        raise reader.stuck()
    for _ in range(3):
        reader.advance()
    return phrase


def _list(reader: Reader) -> Expression:
    reader.take("the")
    operator = _LISTS[_phrase(reader, _LISTS)]
    if reader.take("the numbers", "the following numbers"):
        reader.take(":")
    elements = _elements(reader)
    if operator in (Operator.ADD, Operator.MULTIPLY):
        return reduce(lambda left, right: Operation(operator, (left, right)), elements)
    return Operation(operator, elements)


def _elements(reader: Reader) -> tuple[Expression, ...]:
    elements = [_element(reader)]
    while separator := reader.take(", and", ",", "and"):
        if separator == "," and reader.next.tight:
            raise NotArithmetic("a comma without a space may be a decimal comma")
        elements.append(_element(reader))
    if len(elements) < 2:
        raise NotArithmetic("a list needs two numbers or more")
    return tuple(elements)


def _element(reader: Reader) -> Expression:
    if reader.next.and_inside:
        raise NotArithmetic(f"{reader.next.text!r} may be one number or two")
    return reader.operand()


def _pair(reader: Reader) -> Expression:
    reader.take("the")
    phrase = _phrase(reader, ("difference between", "difference of", "quotient of", "remainder of", "remainder when"))
    left = _element(reader)
    if phrase.startswith("remainder"):
        reader.expect("divided by" if phrase.endswith("of") else "is divided by")
        return Operation(Operator.REMAINDER, (left, _element(reader)))
    reader.expect("and")
    right = _element(reader)
    if phrase == "quotient of":
        return Operation(Operator.DIVIDE, (left, right))
    if not (isinstance(left, Number) and isinstance(right, Number) and left.value > right.value):
        raise NotArithmetic("a difference that is not positive can be read in two ways; say minus")
    return Operation(Operator.SUBTRACT, (left, right))


def _function_of(reader: Reader) -> Expression:
    reader.take("the")
    if reader.next.kind is Kind.ORDINAL and reader.ahead(1).text == "root":
        degree = Number(reader.advance().value)
        reader.expect("root of")
        return Operation(Operator.ROOT, (_single(reader), degree))
    phrase = _phrase(reader, ("square root of", "cube root of", "square of", "cube of", "factorial of"))
    operand = _single(reader)
    if phrase == "factorial of":
        return Operation(Operator.FACTORIAL, (operand,))
    operator = Operator.ROOT if "root" in phrase else Operator.POWER
    return Operation(operator, (operand, TWO if phrase.startswith("square") else THREE))


def _verb(reader: Reader) -> Expression:
    operator, links, backwards = _VERBS[_phrase(reader, _VERBS)]
    left = _element(reader)
    link = reader.take(*links, ",")
    if not link:
        raise reader.stuck()
    right = _element(reader)
    rest = [left, right]
    while link in ("and", ",") and reader.take(", and", ",", "and"):
        rest.append(_element(reader))
    if backwards:
        rest.reverse()
    if link == "," and operator not in (Operator.ADD, Operator.MULTIPLY):
        raise reader.stuck()
    return reduce(lambda first, second: Operation(operator, (first, second)), rest)


def _change(reader: Reader) -> Expression:
    operator = _CHANGES[_phrase(reader, _CHANGES)]
    base = reader.operand()
    reader.expect("by")
    return _changed_by(reader, operator, base)


def _changed(reader: Reader) -> Expression:
    base = reader.operand()
    operator = _CHANGED[_phrase(reader, _CHANGED)]
    return _changed_by(reader, operator, base)


def _changed_by(reader: Reader, operator: Operator, base: Expression) -> Expression:
    share = reader.operand()
    reader.expect(*_PERCENT)
    return Operation(operator, (base, Operation(Operator.PERCENT_OF, (share, base))))


def _compared(reader: Reader) -> Expression:
    share = reader.operand()
    reader.expect(*_PERCENT)
    operator = _COMPARED[_phrase(reader, _COMPARED)]
    base = reader.operand()
    return Operation(operator, (base, Operation(Operator.PERCENT_OF, (share, base))))


def _what_percent(reader: Reader) -> Expression:
    if reader.take(*_WHAT_PERCENT, "percentage of", "percent of"):
        whole = reader.operand()
        reader.expect("is")
        return Operation(Operator.PERCENTAGE, (reader.operand(), whole))
    part = reader.operand()
    if not reader.take("as a percentage of", "as a percent of"):
        reader.expect("is")
        reader.expect(*_WHAT_PERCENT)
    return Operation(Operator.PERCENTAGE, (part, reader.operand()))


def _single(reader: Reader) -> Expression:
    if reader.next.is_plain_integer and reader.ahead(1).text == "/":
        raise NotArithmetic("it may mean only the numerator; add parentheses")
    return reader.operand()


def _phrase(reader: Reader, phrases: Iterable[str]) -> str:
    found = reader.take(*phrases)
    if not found:
        raise reader.stuck()
    return found


_PHRASES: Final[tuple[Callable[[Reader], Expression], ...]] = (
    Reader.infix,
    Reader.percent_of,
    _fraction_of,
    _list,
    _pair,
    _function_of,
    _verb,
    _change,
    _changed,
    _compared,
    _what_percent,
)
