"""Takes the politeness off a question: "Please calculate the value of ...", "... = ?", "What does ... equal?"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tools.calculator.expression import NotArithmetic
from tools.calculator.tokens import Kind, Token

_COURTESIES: Final = (
    "hi ,",
    "hello ,",
    "can you",
    "could you",
    "would you",
    "i want to know",
    "tell me",
    "please",
    ",",
)
_QUESTIONS: Final = ("what is", "what's", "whats", "how much is", "how much's", "find")
_COMMANDS: Final = ("calculate", "compute", "evaluate", "work out", "determine", "simplify", "solve")
_OPEN_QUESTIONS: Final = ("what does", "how much does", "what do you get if you", "what do you get when you")
_OBJECTS: Final = ("the exact value of", "the value of", "the result of", "the answer to", "the exact result of", ":")
_ENDINGS: Final = ("please", ",", "exactly")
_EQUALS: Final = ("equal", "equals", "make", "give", "is equal to", "equal to")


@dataclass(frozen=True, slots=True)
class Wrapped:
    """The body of a question; `asks_to_compute` when its wrapper leaves no doubt that a calculation is meant."""

    body: tuple[Token, ...]
    asks_to_compute: bool


def unwrap(tokens: Sequence[Token]) -> Wrapped:
    """Return what is left of `tokens` without the wrapper.

    Raises:
        NotArithmetic: when nothing is left, or the wrapper asks for an ending that is missing.
    """
    body, equals = _without_ending(list(tokens))
    _take_any(body, _COURTESIES)
    opened = _take(body, _OPEN_QUESTIONS)
    command = not opened and _take(body, _COMMANDS)
    if not opened and not command:
        _take(body, _QUESTIONS)
        _take_any(body, _COURTESIES)
    _take(body, _OBJECTS)
    if not body:
        raise NotArithmetic("nothing is left to compute")
    if opened and not opened.startswith("what do you") and not equals:
        raise NotArithmetic("the question does not end as a calculation does")
    return Wrapped(tuple(body), bool(command or opened or equals))


def _without_ending(body: list[Token]) -> tuple[list[Token], bool]:
    if body and body[-1].text in ("?", "."):
        body.pop()
    _take_any(body, _ENDINGS, at_end=True)
    if len(body) > 1 and body[-1].text == "=":
        body.pop()
        return body, True
    return body, bool(_take(body, _EQUALS, at_end=True))


def _take_any(body: list[Token], phrases: Sequence[str], *, at_end: bool = False) -> None:
    while _take(body, phrases, at_end=at_end):
        pass


def _take(body: list[Token], phrases: Sequence[str], *, at_end: bool = False) -> str:
    for phrase in sorted(phrases, key=len, reverse=True):
        words = phrase.split()
        part = slice(len(body) - len(words), None) if at_end else slice(len(words))
        if len(words) <= len(body) and [_plain(token) for token in body[part]] == words:
            del body[part]
            return phrase
    return ""


def _plain(token: Token) -> str:
    return token.text if token.kind in (Kind.WORD, Kind.SIGN) else ""
