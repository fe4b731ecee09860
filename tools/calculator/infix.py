"""Infix expressions with signs or words, read by recursive descent; whatever has two readings is declined.

Signs bind as in school: powers, then products, then sums. Words do not: "two plus three times four" is declined, as
are "2^3^2", "-3^2", "6/2(1+2)", and spacing that contradicts the binding ("2+3 * 4").
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

from tools.calculator.expression import Expression, NotArithmetic, Number, Operation, Operator
from tools.calculator.readings import Level, Seen
from tools.calculator.tokens import END, Kind, Token

MAX_DEPTH: Final = 20
TWO: Final = Number(Fraction(2))
THREE: Final = Number(Fraction(3))

_SIGNS: Final = {
    "+": Operator.ADD,
    "-": Operator.SUBTRACT,
    "*": Operator.MULTIPLY,
    "x": Operator.MULTIPLY,
    "/": Operator.DIVIDE,
    "^": Operator.POWER,
}
_WORDS: Final = (
    ("plus", Operator.ADD),
    ("minus", Operator.SUBTRACT),
    ("times", Operator.MULTIPLY),
    ("multiplied by", Operator.MULTIPLY),
    ("divided by", Operator.DIVIDE),
    ("mod", Operator.REMAINDER),
    ("modulo", Operator.REMAINDER),
    ("raised to the power of", Operator.POWER),
    ("to the power of", Operator.POWER),
    ("to the power", Operator.POWER),
)
_ADDITIVE: Final = frozenset({"+", "-", "plus", "minus"})
_SQUARED: Final = {"squared": TWO, "cubed": THREE}
_FUNCTIONS: Final = {
    "sqrt": (Operator.ROOT, TWO),
    "cbrt": (Operator.ROOT, THREE),
    "factorial": (Operator.FACTORIAL, None),
}
_LIST_FUNCTIONS: Final = {"gcd": Operator.GCD, "lcm": Operator.LCM, "mean": Operator.MEAN, "root": Operator.ROOT}


class Reader:
    """A cursor over tokens, with the infix grammar on it. Every method raises NotArithmetic where the text ends it."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tuple(tokens)
        self._at = 0
        self._depth = 0

    @property
    def position(self) -> int:
        """How many tokens were stepped over."""
        return self._at

    @property
    def next(self) -> Token:
        """The token under the cursor, or the end."""
        return self.ahead(0)

    def ahead(self, steps: int) -> Token:
        """Return the token `steps` further on, or the end."""
        at = self._at + steps
        return self._tokens[at] if 0 <= at < len(self._tokens) else END

    def advance(self) -> Token:
        """Return the token under the cursor and step over it."""
        token = self.next
        self._at += 1
        return token

    def take(self, *phrases: str) -> str:
        """Step over the first of `phrases` that stands here, word by word, and return it; else return nothing."""
        for phrase in phrases:
            words = phrase.split()
            found = [self.ahead(step) for step in range(len(words))]
            if all(t.kind in (Kind.WORD, Kind.SIGN) and t.text == word for t, word in zip(found, words, strict=True)):
                self._at += len(words)
                return phrase
        return ""

    def expect(self, *phrases: str) -> None:
        """Step over one of `phrases`."""
        if not self.take(*phrases):
            raise self.stuck()

    def finish(self) -> None:
        """Hold that everything was read."""
        if self.next is not END:
            raise self.stuck()

    def stuck(self) -> NotArithmetic:
        """Return the error for the token under the cursor."""
        if self.next is END:
            return NotArithmetic("the calculation ends too early")
        return NotArithmetic(f"cannot read {self.next.text!r} as part of one calculation")

    def infix(self) -> Expression:
        """Read a whole infix expression."""
        level = Level()
        expression = self._sum(level)
        level.hold_one_reading()
        return expression

    def atom(self) -> Expression:
        """Read a number, an expression in parentheses, or a function of one."""
        token = self.next
        if token.kind is Kind.NUMBER:
            self.advance()
            return Number(token.value)
        if self.take("("):
            return self._enclosed()
        if self.take("\u221a"):
            return Operation(Operator.ROOT, (self.atom(), TWO))
        if token.kind is Kind.WORD and self.ahead(1).text == "(":
            return self._function()
        raise self.stuck()

    def operand(self) -> Expression:
        """Read one operand of a phrase: an atom, a negative number, or a fraction such as 3/4."""
        if self.next.text == "-" and self.ahead(1).kind is Kind.NUMBER and self.ahead(1).tight:
            self.advance()
            return Operation(Operator.NEGATE, (self.atom(),))
        if self.take("minus", "negative"):
            return Operation(Operator.NEGATE, (self.atom(),))
        numerator, slash, denominator = self.next, self.ahead(1), self.ahead(2)
        is_fraction = slash.text == "/" and slash.tight and denominator.tight and numerator.is_plain_integer
        if is_fraction and denominator.is_plain_integer:
            self._at += 3
            return Operation(Operator.DIVIDE, (Number(numerator.value), Number(denominator.value)))
        return self.atom()

    def percent_of(self) -> Expression:
        """Read "P% of Y", where Y is one operand or again "Q% of Z"."""
        share = self.operand()
        self.expect("% of", "percent of", "per cent of")
        return Operation(Operator.PERCENT_OF, (share, self.percent_of() if self.at_percent_of() else self.operand()))

    def at_percent_of(self) -> bool:
        """Say whether "P% of" stands here."""
        start = self._at
        self.advance()
        found = bool(self.take("% of", "percent of", "per cent of"))
        self._at = start
        return found

    def _enclosed(self) -> Expression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise NotArithmetic(f"more than {MAX_DEPTH} parentheses inside one another")
        inner = self.percent_of() if self.at_percent_of() else self.infix()
        self.expect(")")
        self._depth -= 1
        return inner

    def _function(self) -> Expression:
        name = self.next.text
        if name in _FUNCTIONS:
            self.advance()
            self.expect("(")
            operator, degree = _FUNCTIONS[name]
            inner = self._enclosed()
            return Operation(operator, (inner,) if degree is None else (inner, degree))
        if name not in _LIST_FUNCTIONS:
            raise self.stuck()
        self.advance()
        return Operation(_LIST_FUNCTIONS[name], self._arguments(name))

    def _arguments(self, name: str) -> tuple[Expression, ...]:
        self.expect("(")
        arguments = [self.operand()]
        while self.take(","):
            arguments.append(self.operand())
        self.expect(")")
        if len(arguments) < 2 or (name == "root" and len(arguments) > 2):
            raise NotArithmetic(f"{name} does not take {len(arguments)} number(s); put a space after each comma")
        return tuple(arguments)

    def _sum(self, level: Level) -> Expression:
        left = self._product(level)
        while operator := self._operator(level, Operator.ADD, Operator.SUBTRACT):
            left = Operation(operator, (left, self._product(level)))
        return left

    def _product(self, level: Level) -> Expression:
        left = self._signed(level)
        while operator := self._operator(level, Operator.MULTIPLY, Operator.DIVIDE, Operator.REMAINDER):
            left = Operation(operator, (left, self._signed(level)))
        return left

    def _signed(self, level: Level) -> Expression:
        after_sign = self.ahead(-1).text in _ADDITIVE
        if after_sign and (self.next.text == "minus" or (self.next.text == "-" and self.next.tight)):
            raise NotArithmetic("two signs together can be read in two ways; add parentheses")
        negative = bool(self.take("-", "minus", "negative"))
        operand = self._power(level, negative=negative)
        return Operation(Operator.NEGATE, (operand,)) if negative else operand

    def _power(self, level: Level, *, negative: bool) -> Expression:
        base = self._postfix()
        powers = 0
        while exponent := self._exponent(level):
            powers += 1
            if negative or powers > 1:
                raise NotArithmetic("a sign or a power before a power can be read in two ways; add parentheses")
            base = Operation(Operator.POWER, (base, exponent))
        return base

    def _exponent(self, level: Level) -> Expression | None:
        if word := self.take("squared", "cubed"):
            level.hold_square(word)
            return _SQUARED[word]
        if exponent := self._ordinal_exponent():
            level.seen.append(Seen(Operator.POWER, as_word=True, tight=False))
            return exponent
        if self._operator(level, Operator.POWER) is None:
            return None
        if self.take("-", "minus", "negative"):
            return Operation(Operator.NEGATE, (self._postfix(),))
        return self._postfix()

    def _ordinal_exponent(self) -> Expression | None:
        start = self._at
        if self.take("raised to the", "to the") and self.next.kind is Kind.ORDINAL:
            exponent = Number(self.advance().value)
            self.take("power")
            return exponent
        self._at = start
        return None

    def _postfix(self) -> Expression:
        operand = self.atom()
        if self.next.text == "!":
            self.advance()
            if self.next.text == "!":
                raise NotArithmetic("two factorial signs can be read in two ways")
            return Operation(Operator.FACTORIAL, (operand,))
        return operand

    def _operator(self, level: Level, *wanted: Operator) -> Operator | None:
        sign = self.next
        operator = _SIGNS.get(sign.text) if sign.kind is Kind.SIGN else None
        if operator in wanted and operator is not None:
            self.advance()
            level.seen.append(Seen(operator, as_word=False, tight=sign.tight and self.next.tight))
            return operator
        for phrase, spoken in _WORDS:
            if spoken in wanted and self.take(phrase):
                level.seen.append(Seen(spoken, as_word=True, tight=False))
                return spoken
        return None
