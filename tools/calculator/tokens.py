"""Text to tokens: exact numbers, words and signs. Whatever is none of these ends the reading."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from fractions import Fraction
from typing import Final

from tools.calculator.expression import NotArithmetic
from tools.calculator.spelled import LARGE_WORDS, NUMBER_WORDS, ORDINALS, SCALES, spelled_value

_PIECE: Final = re.compile(
    r"(?P<space>[ \t\u00a0]+)"
    r"|(?P<ordinal>\d{1,3}(?:st|nd|rd|th)\b)"
    r"|(?P<number>(?:\d{1,3}(?:,\d{3})+(?!,?\d)|\d+)(?:\.\d+)?(?!\.?\d)|(?<![\d.,])\.\d+(?!\.?\d))"
    r"|(?P<word>[a-z]+(?:['\u2019]s)?(?:-[a-z]+)*)"
    r"|(?P<sign>\*\*|[-+*/^()%!,=?.:\u00d7\u00f7\u00b7\u2212\u221a])",
    re.IGNORECASE | re.ASCII,
)
_SAME_SIGN: Final = {"**": "^", "\u00d7": "*", "\u00b7": "*", "\u00f7": "/", "\u2212": "-"}


class Kind(Enum):
    """What a token is."""

    NUMBER = auto()
    ORDINAL = auto()
    WORD = auto()
    SIGN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One token. `tight`: no space before it; `and_inside`: a spelled number such as "two hundred and five"."""

    kind: Kind
    text: str
    tight: bool = False
    value: Fraction = Fraction(0)
    and_inside: bool = False

    @property
    def is_plain_integer(self) -> bool:
        """Whether it is written with digits only, as dates, names and telephone numbers are."""
        return self.kind is Kind.NUMBER and self.text.isdecimal()


END: Final = Token(Kind.END, "the end")


def tokenize(text: str) -> tuple[Token, ...]:
    """Return the tokens of one line.

    Raises:
        NotArithmetic: when a character or a number belongs to no form the calculator knows.
    """
    tokens: list[Token] = []
    at, tight = 0, False
    while at < len(text):
        piece = _PIECE.match(text, at)
        if piece is None:
            raise NotArithmetic(f"cannot read {text[at : at + 12]!r}")
        if piece.lastgroup == "space":
            tight = False
        else:
            tokens.append(_token(piece, tight=tight, previous=tokens[-1] if tokens else END, text=text))
            tight = True
        at = piece.end()
    return _with_spelled_numbers(tokens)


def _token(piece: re.Match[str], *, tight: bool, previous: Token, text: str) -> Token:
    written = piece.group().lower()
    if piece.lastgroup == "number":
        return _number(written, tight=tight, previous=previous)
    if piece.lastgroup == "ordinal":
        return Token(Kind.ORDINAL, written, tight, Fraction(int(written[:-2])))
    if piece.lastgroup == "sign":
        return Token(Kind.SIGN, _SAME_SIGN.get(written, written), tight)
    return _word(written.replace("\u2019", "'"), piece, tight=tight, previous=previous, text=text)


def _number(written: str, *, tight: bool, previous: Token) -> Token:
    if len(written) > 1 and written[0] == "0" and written[1] != ".":
        raise NotArithmetic(f"{written} starts with a zero, as codes and dates do")
    if tight and previous.kind in (Kind.WORD, Kind.NUMBER, Kind.ORDINAL):
        raise NotArithmetic(f"{previous.text}{written} looks like a name, not a number")
    if "," in written and tight and previous.text == ",":
        raise NotArithmetic(f"the commas around {written} can be read in two ways")
    return Token(Kind.NUMBER, written, tight, Fraction(written.replace(",", "")))


def _word(written: str, piece: re.Match[str], *, tight: bool, previous: Token, text: str) -> Token:
    if written == "x" and previous.kind is Kind.NUMBER and previous.text != "0":
        after = text[piece.end() : piece.end() + 2]
        spaced_evenly = bool(after) and (after[0] == " ") != tight and after.strip()[:1].isdigit()
        if not spaced_evenly:
            raise NotArithmetic("an x beside a number may be an unknown")
        return Token(Kind.SIGN, "x", tight)
    if tight and previous.kind in (Kind.NUMBER, Kind.ORDINAL):
        raise NotArithmetic(f"{previous.text}{written} has a unit or is a name")
    return Token(Kind.WORD, written, tight)


def _with_spelled_numbers(tokens: Sequence[Token]) -> tuple[Token, ...]:
    words = _split_hyphens(tokens)
    joined: list[Token] = []
    at = 0
    while at < len(words):
        end = _spelled_end(words, at)
        if end == at:
            joined.append(_ordinal(words[at]))
            at += 1
        else:
            joined.append(_spelled(words[at:end], joined))
            at = end
    return tuple(joined)


def _split_hyphens(tokens: Sequence[Token]) -> list[Token]:
    parts: list[Token] = []
    for token in tokens:
        words = token.text.split("-") if token.kind is Kind.WORD else [token.text]
        if len(words) > 1 and all(word in NUMBER_WORDS for word in words):
            parts.extend(Token(Kind.WORD, word) for word in words)
        else:
            parts.append(token)
    return parts


def _spelled_end(tokens: Sequence[Token], start: int) -> int:
    def word(at: int) -> str:
        return tokens[at].text if at < len(tokens) and tokens[at].kind is Kind.WORD else ""

    at = start
    if word(at) == "a" and word(at + 1) in LARGE_WORDS:
        at += 1
    while word(at) in NUMBER_WORDS or (
        at > start and word(at) == "and" and word(at - 1) in LARGE_WORDS and word(at + 1) in NUMBER_WORDS
    ):
        at += 1
    return at


def _spelled(run: Sequence[Token], before: list[Token]) -> Token:
    words = ["one" if token.text == "a" else token.text for token in run if token.text != "and"]
    text = " ".join(token.text for token in run)
    if len(words) == 1 and words[0] in SCALES and before and before[-1].kind is Kind.NUMBER:
        digits = before.pop()
        return Token(Kind.NUMBER, f"{digits.text} {text}", digits.tight, digits.value * SCALES[words[0]])
    value = spelled_value(words)
    if value is None:
        raise NotArithmetic(f"{text!r} spells no single number")
    return Token(Kind.NUMBER, text, False, Fraction(value), any(token.text == "and" for token in run))


def _ordinal(token: Token) -> Token:
    if token.kind is Kind.WORD and token.text in ORDINALS:
        return Token(Kind.ORDINAL, token.text, token.tight, Fraction(ORDINALS[token.text]))
    return token
