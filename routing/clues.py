"""Clues: numbers read off a question's words, its options and its tools without any model. Pure and quick."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

_READ: Final = 6000
_NUMBER: Final = re.compile(r"\d[\d,]*\.?\d*")
_SENTENCE: Final = re.compile(r"[.?!](?:\s|$)")
_OPERATOR: Final = re.compile(r"[=+*/^\\<>]")
_NEGATED: Final = re.compile(r"\b(?:not|except|false|incorrect|never|least)\b", re.IGNORECASE)
_PICKING: Final = re.compile(r"\b(?:which of|following|best|most likely)\b", re.IGNORECASE)
_RELATION: Final = re.compile(
    r"\b(?:half|twice|third|quarter|times|double|each|every|per|than|if|remaining|left|total|rest|more|fewer|less)\b",
    re.IGNORECASE,
)
_CODE: Final = re.compile(r"```|[{};]|\bdef\b|\breturn\b|==|->|\(\)")
_SHORT_VALUE: Final = re.compile(r"[\W\d.,\s]*\w{0,6}")

CLUES: Final = (
    "length",
    "numbers",
    "distinct numbers",
    "decimals",
    "words a sentence",
    "letters a word",
    "percent",
    "money",
    "operators",
    "blanks",
    "lines",
    "asks",
    "negated",
    "picking",
    "relations",
    "code",
    "beyond ascii",
    "options",
    "length of options",
    "options that are values",
    "tools",
    "nearness of the nearest tool",
)
"""What each number of `clues_of` tells."""

OPTION_CLUES: Final = ("length", "length squared", "rank", "distance from the middle rank", "place")
"""What each number of `option_clues` tells."""


def clues_of(text: str, options: Sequence[str] = (), tools: int = 0, nearness: float = 0.0) -> Numbers:
    """Return the clues of a question: its stem, its options, how many tools come with it and how near one is, [clues].

    Counts are logarithms, so that a long text does not outshout everything; at most 6,000 characters are read.
    """
    head = text[:_READ]
    numbers = _NUMBER.findall(head)
    words = head.split()
    values = [bool(_SHORT_VALUE.fullmatch(option)) for option in options]
    counts = (
        len(text),
        len(numbers),
        len(set(numbers)),
        sum("." in number.rstrip(".") for number in numbers),
        len(words) / max(1, len(_SENTENCE.findall(head))),
        sum(map(len, words)) / max(1, len(words)),
        head.count("%"),
        sum(map(head.count, "$€£")),
        len(_OPERATOR.findall(head)),
        head.count("__"),
        head.count("\n"),
        float(head.rstrip().endswith("?")),
        len(_NEGATED.findall(head)),
        len(_PICKING.findall(head)),
        len(_RELATION.findall(head)),
        len(_CODE.findall(head)),
        sum(not character.isascii() for character in head),
        len(options),
        sum(map(len, options)) / max(1, len(options)),
        sum(values) / max(1, len(values)),
        tools,
    )
    return np.array([*np.log1p(counts), nearness])


def option_clues(options: Sequence[str]) -> Numbers:
    """Return what each option's looks say of it before anybody answered, [options, clues].

    Whoever makes up wrong answers leaves traces: a right answer tends to be neither the least nor the greatest of the
    values offered, nor of ordinary length. What such a trace is worth is learned from a pool's own lessons.
    """
    count = len(options)
    if not count:
        return np.zeros((0, len(OPTION_CLUES)))
    lengths = np.array([len(option) for option in options], np.float64)
    spread = (lengths - lengths.mean()) / max(float(lengths.std()), 1e-6)
    ranks = _ranks(options)
    return np.stack([spread, spread**2, ranks, ranks**2, np.arange(count) / 10], axis=1)


def _ranks(options: Sequence[str]) -> Numbers:
    """Return each option's place among the values offered, from -0.5 to 0.5; noughts where they are not all values."""
    found = [_NUMBER.search(option) for option in options]
    if len(options) <= 2 or not all(found):
        return np.zeros(len(options))
    values = [
        _value(option, match.group(), match.start()) for option, match in zip(options, found, strict=True) if match
    ]
    return np.argsort(np.argsort(values, kind="stable"), kind="stable") / (len(options) - 1) - 0.5


def _value(option: str, digits: str, at: int) -> float:
    negative = at > 0 and option[at - 1] in "-\u2212"
    value = float(digits.replace(",", "").rstrip(".") or 0)
    return -value if negative else value
