"""Numbers written as words, up to the millions: "two hundred and five", "twenty-five", "a thousand"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

UNITS: Final = {
    "zero": 0,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "eleven": 11,
    "twelve": 12,
    "thirteen": 13,
    "fourteen": 14,
    "fifteen": 15,
    "sixteen": 16,
    "seventeen": 17,
    "eighteen": 18,
    "nineteen": 19,
}
TENS: Final = {
    "twenty": 20,
    "thirty": 30,
    "forty": 40,
    "fifty": 50,
    "sixty": 60,
    "seventy": 70,
    "eighty": 80,
    "ninety": 90,
}
_HUNDRED: Final = "hundred"
SCALES: Final = {"thousand": 1_000, "million": 1_000_000}

NUMBER_WORDS: Final = frozenset({*UNITS, *TENS, _HUNDRED, *SCALES})
LARGE_WORDS: Final = frozenset({_HUNDRED, *SCALES})

ORDINALS: Final = {
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
}


def spelled_value(words: Sequence[str]) -> int | None:
    """Return the number that `words` (without "and") spell, or None when they spell none ("nineteen eighty")."""
    total, ceiling, group = 0, max(SCALES.values()) * 1_000, list[str]()
    for word in words:
        if word not in SCALES:
            group.append(word)
            continue
        value = _below_a_thousand(group)
        if not value or SCALES[word] >= ceiling:
            return None
        total, ceiling, group = total + value * SCALES[word], SCALES[word], []
    if not group:
        return total if words else None
    rest = _below_a_thousand(group)
    return None if rest is None or (total and not rest) else total + rest


def _below_a_thousand(words: Sequence[str]) -> int | None:
    if _HUNDRED not in words:
        return _below_a_hundred(words)
    at = words.index(_HUNDRED)
    hundreds = _below_a_hundred(words[:at])
    rest = _below_a_hundred(words[at + 1 :]) if words[at + 1 :] else 0
    if not hundreds or hundreds > 9 or rest is None:
        return None
    return hundreds * 100 + rest


def _below_a_hundred(words: Sequence[str]) -> int | None:
    match list(words):
        case [only]:
            return UNITS.get(only, TENS.get(only))
        case [tens, unit] if tens in TENS and 0 < UNITS.get(unit, 0) < 10:
            return TENS[tens] + UNITS[unit]
        case _:
            return None
