"""Whether an answer is right: forgiving in form (commas, units, case, a sentence around it), not in content. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from evals.extraction import chosen_letter, json_values, normalised, numbers, short_texts, stated_number

MAX_CHARACTERS: Final = 4000
"""Of a longer answer only the end is read, so that no pattern runs long on it."""


class CheckKind(StrEnum):
    """How an answer is compared with the gold one."""

    NUMBER = "number"
    CHOICE = "choice"
    TEXT = "text"
    CONTAINS = "contains"
    REGEX = "regex"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Check:
    """The right answer and how to compare with it.

    `gold` is itself a right answer (for CHOICE the letter, for JSON the text of the value), `aliases` are equally
    right, and `pattern` is what a right answer matches when the kind is REGEX.
    """

    kind: CheckKind
    gold: str
    aliases: tuple[str, ...] = ()
    pattern: str = ""


def check(answer: str, check: Check) -> bool:
    """Return whether `answer`, as an expert wrote it, is right."""
    text = unicodedata.normalize("NFC", answer[-MAX_CHARACTERS:]).strip()
    match check.kind:
        case CheckKind.NUMBER:
            return _is_number(text, check)
        case CheckKind.CHOICE:
            return chosen_letter(text) == check.gold or _is_option(text, check.aliases)
        case CheckKind.TEXT:
            return _is_text(text, (check.gold, *check.aliases))
        case CheckKind.CONTAINS:
            return _contains(text, (check.gold, *check.aliases))
        case CheckKind.REGEX:
            return re.search(check.pattern, text) is not None
        case CheckKind.JSON:
            wanted = _canonical(json.loads(check.gold))
            return any(_canonical(value) == wanted for value in json_values(text))


def _is_number(text: str, check: Check) -> bool:
    (gold,) = numbers(check.gold)
    stated = stated_number(text)
    if stated is None:
        return _contains(text, check.aliases)
    return stated == gold or (_never_ends(gold) and abs(stated - gold) <= abs(gold) / 10**6)


def _never_ends(value: Fraction) -> bool:
    return bool(pow(10, value.denominator.bit_length(), value.denominator))


def _is_text(text: str, golds: tuple[str, ...]) -> bool:
    wanted = {normalised(gold) for gold in golds} - {""}
    return any(normalised(part) in wanted for part in short_texts(text))


def _is_option(text: str, options: tuple[str, ...]) -> bool:
    return not {_folded(part) for part in short_texts(text)}.isdisjoint(map(_folded, options))


def _folded(text: str) -> str:
    return " ".join(text.casefold().split()).removesuffix(".")


def _contains(text: str, golds: tuple[str, ...]) -> bool:
    padded = f" {normalised(text)} "
    return any(f" {normalised(gold)} " in padded for gold in golds if normalised(gold))


def _canonical(value: object) -> str:
    return json.dumps(_with_plain_numbers(value), sort_keys=True)


def _with_plain_numbers(value: object) -> object:
    if isinstance(value, dict):
        return {key: _with_plain_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_plain_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
