"""`calculate`: a question in plain English to an exact answer, or to the reason why there is none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tools.calculator.evaluation import evaluate
from tools.calculator.expression import NotArithmetic, render
from tools.calculator.phrases import read
from tools.calculator.tokens import Token, tokenize
from tools.calculator.wrapping import unwrap

MAX_CHARACTERS: Final = 400

_NAME_LIKE: Final = re.compile(r"\d+-\d+|\d+x\d+|\d{1,2}/\d{1,2}")


@dataclass(frozen=True, slots=True)
class Calculation:
    """An exact answer: the expression as read, its value ("409.5", "10/3 ≈ 3.333333333"), and one line of both."""

    expression: str
    value: str
    steps: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The question is not one exact calculation; `reason` says what stood in the way."""

    reason: str


def calculate(question: str) -> Calculation | Declined:
    """Return the exact answer to `question`, or decline.

    It answers only when the whole question is one calculation with one reading. Pure; the first root that is not
    rational imports sympy, which takes about a second.
    """
    line = question.strip()
    if len(line) > MAX_CHARACTERS:
        return Declined(f"the question is longer than {MAX_CHARACTERS} characters")
    try:
        wrapped = unwrap(tokenize(line))
        _hold_is_no_name(wrapped.body, asks_to_compute=wrapped.asks_to_compute)
        expression = read(wrapped.body)
        text, value = render(expression), evaluate(expression)
    except NotArithmetic as refusal:
        return Declined(refusal.message)
    already_exact = value.startswith(f"{text} ")
    return Calculation(text, value, value if already_exact else f"{text} = {value}")


def _hold_is_no_name(body: Sequence[Token], *, asks_to_compute: bool) -> None:
    signs = [token.text for token in body]
    if signs[-1] == "!" and len(body) != 2 and "!" not in signs[:-1]:
        raise NotArithmetic("the last sign may be a factorial or an exclamation mark; add parentheses")
    if asks_to_compute or not all(token.tight for token in body[1:]):
        return
    written = "".join(signs)
    if _NAME_LIKE.fullmatch(written):
        raise NotArithmetic(f"{written} may be a date, a range, a size or a name; put spaces around the sign")
