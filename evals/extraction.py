"""Finds what an expert's answer says: its number, its letter, the short texts it offers, the JSON in it. Pure."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from fractions import Fraction
from typing import Final

_MARKER: Final = re.compile(r"(?:\b(?:answer|result)\b(?:\s+is)?|####|\\boxed)[\s:*{$=(\[]*", re.IGNORECASE)
_SENTENCE_END: Final = re.compile(r"\n|[.!?](?=\s|$)")


def conclusion(text: str) -> str:
    """Return the rest of the sentence after the last "answer is", "result:", "####" or boxed mark; else nothing."""
    markers = list(_MARKER.finditer(text))
    if not markers:
        return ""
    rest = text[markers[-1].end() :]
    end = _SENTENCE_END.search(rest)
    return (rest[: end.start()] if end else rest).strip()


_NUMBER: Final = re.compile(
    r"(?P<sign>(?<![\w)])-)?[$\u20ac\u00a3]?"
    r"(?<![\w.])(?P<whole>\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?P<decimals>\.\d+)?(?:\s?/\s?(?P<divisor>\d+))?"
)


def numbers(text: str) -> list[Fraction]:
    """Return the numbers in `text` in order, exactly; thousands separators, currency and "3/4" are understood."""
    found = []
    for piece in _NUMBER.finditer(text.replace("\u2212", "-")):
        value = Fraction(piece["whole"].replace(",", "") + (piece["decimals"] or "")) * (-1 if piece["sign"] else 1)
        divisor = int(piece["divisor"] or 1)
        found.append(value / divisor if divisor else value)
    return found


def stated_number(text: str) -> Fraction | None:
    """Return the number that `text` concludes with: in its conclusion when it marks one, else its last."""
    marked = conclusion(text)
    after_equals = numbers(marked.rpartition("=")[2])
    if after_equals:
        return after_equals[0]
    every = numbers(text)
    return every[-1] if every else None


_LETTER_ALONE: Final = re.compile(r"[\s(\[*\"'`]*([A-Za-z])[\s)\]*\"'`.:]*")
_NO_ARTICLE: Final = r"(?!\s+(?!(?:and|as|because|but|for|is|since)\b)[a-z])"
_LETTER_MARKED: Final = re.compile(
    r"\b(?i:answer|option|choice)\b(?:\s+(?i:is|would be))?[\s:*(\[\"'`]*(?:(?i:option)\s+)?"
    rf"([B-HJ-Z]|[AI]{_NO_ARTICLE}|[a-z](?=\s*[).\]*]|\s*$))(?![A-Za-z'])",
    re.MULTILINE,
)
_LETTER: Final = re.compile(rf"(?<![A-Za-z'])([B-HJ-Z]|[AI]{_NO_ARTICLE})(?![A-Za-z'])")


def chosen_letter(text: str) -> str:
    """Return the option letter that `text` chooses, in upper case, or nothing; an article "A" and "I" are no letters.

    A text that repeats all of the options without a mark on one chooses nothing.
    """
    alone = _LETTER_ALONE.fullmatch(text) or _LETTER_ALONE.fullmatch(text.partition("\n")[0])
    if alone:
        return alone[1].upper()
    marked = _LETTER_MARKED.findall(text)
    if marked:
        return str(marked[-1]).upper()
    letters = _LETTER.findall(text)
    echoes_every_option = {"A", "B", "C", "D"} <= set(letters)
    return "" if echoes_every_option or not letters else str(letters[-1])


def normalised(text: str) -> str:
    """Return `text` in lower case, without accents, punctuation, articles and doubled spaces."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    words = re.sub(r"[^\w+#%]+", " ", plain).split()
    return " ".join(word for word in words if word not in ("a", "an", "the"))


_MARKED: Final = re.compile(r"\*\*(.+?)\*\*|\"([^\"]+)\"|`([^`]+)`|\u201c([^\u201d]+)\u201d|\u00ab([^\u00bb]+)\u00bb")
_SAID: Final = re.compile(r"(?:\b(?:is|becomes)\b|:)\s+([^.]+)\.?$")


def short_texts(text: str) -> Iterator[str]:
    """Yield what may be the whole answer: all of `text`, its first and last line, and what it marks or concludes."""
    lines = [line for line in text.splitlines() if line.strip()]
    yield text
    yield from (lines[0], lines[-1]) if lines else ()
    yield conclusion(text)
    for piece in _MARKED.finditer(text):
        yield next(group for group in piece.groups() if group)
    if len(lines) == 1 and (said := _SAID.search(lines[0])):
        yield said[1]


_JSON_START: Final = re.compile(r"[{\[]")


def json_values(text: str) -> Iterator[object]:
    """Yield the JSON objects and arrays that stand in `text`, fenced or not."""
    decoder = json.JSONDecoder()
    at = 0
    while found := _JSON_START.search(text, at):
        try:
            value, at = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError):
            at = found.start() + 1
        else:
            yield value
