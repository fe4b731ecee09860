"""Cheap features of a query that need no model: code, maths, language, length, images and sounds, tools."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from typing import Final

from core.query import Query
from routing.conversation import EDGE, Subject, ends
from routing.words import FREQUENT

LONG: Final = 2_000
VERY_LONG: Final = 16_000
"""Characters; about 4,000 tokens, which is all that a small expert takes."""
UNKNOWN_LANGUAGE: Final = "language:unknown"
_READ: Final = 2_000
_LETTERS: Final = 400
_WORDS_READ: Final = 200
_MOST: Final = 0.5
_FOREIGN: Final = 0.05
_TELLING: Final = 40

_CODE: Final = re.compile(
    r"```|^[ \t]*(?:def|class|func|fn|impl|struct|interface|enum|namespace) \w+[ \t]*[({:<]|\b(?:def|class) \w+[:(]"
    r"|^[ \t]*(?:import [\w.]+|from [\w.]+ import |using [\w.]+;|use \w+::)|\bimport \w+(?:\.\w+)* as \w+|#include\b"
    r"|\bfunction\b[^\n(]{0,40}\(|=>|=[^=\n]{1,60};[ \t]*$|\)[ \t]*[;{][ \t]*$|\bself\.\w+|\breturn \w+[;(\[]"
    r"|\b\w+\(\)|[!=]==?[ \t]*\w|</\w+>"
    r"|\bSELECT\b[^;]{1,200}\bFROM\b|\bTraceback \(most recent call last\)|(?-i:\b[A-Z]\w*(?:Error|Exception)\b)"
    r"|\b(?:javascript|typescript|sql|regex|regexp|bash|html|css|kotlin|haskell|numpy|pandas|django|dockerfile)\b"
    r"|\bc\+\+|\bc#"
    # Names that are ordinary words too count beside a word of the trade.
    r"|\b(?:python|java|rust|ruby|swift|scala|perl|golang)\b[^\n]{0,60}\b(?:function|code|script|program|class|list|"
    r"loop|library|module|error|method|dict|string|array|compile\w*)\b"
    r"|\b(?:function|code|script|program|class|method|loop|module)\b[^\n]{0,60}\b(?:python|java|rust|ruby|swift|scala|"
    r"perl|golang)\b",
    re.IGNORECASE | re.MULTILINE,
)
_MATHS: Final = re.compile(
    # Neither a date nor a span of years is a sum: hyphens and strokes need room about them, or two numbers only.
    r"\d\s{0,3}[+*^\u00d7\u00f7=]\s{0,3}[\d(]|\d\s{1,3}[-/\u2212]\s{1,3}\d|(?<![-/\d.])\d{1,9}/\d{1,9}(?![-/\d])"
    r"|\d\s{0,3}%|\b[a-z]\s{0,3}(?:\^|[-+*/]?=)\s{0,3}-?\d|[\u00b2\u00b3\u2200-\u22ff]|\d\s{0,2}\u03c0"
    r"|\\(?:frac|sum|int|sqrt|cdot|times|leq?|geq?|lim|begin|mathbb)\b|\\[\[(]|\$\$"
    r"|\b(?:equations?|derivative|integrals?|probability|percent(?:age)?|solve for|square root|cube root|sum of|"
    r"product of|how much is|average of|multiply|divided by|modulo|logarithm|polynomial|matrix|theorem|"
    r"factorial|prime numbers?|hypotenuse)\b",
    re.IGNORECASE,
)
_SOUND: Final = re.compile(r"\w\.(?:mp3|wav|ogg|flac|m4a|opus)\b|\bdata:audio/", re.IGNORECASE)

# Where each block of letters begins, by Unicode's plan, and whose script it is; "" where the plan holds other letters.
_BLOCKS: Final = (
    (0x0000, "latin"),
    (0x0250, ""),
    (0x0370, "language:el"),
    (0x0400, "language:ru"),
    (0x0530, "language:hy"),
    (0x0590, "language:he"),
    (0x0600, "language:ar"),
    (0x0700, ""),
    (0x0750, "language:ar"),
    (0x0780, ""),
    (0x0900, "language:hi"),
    (0x0980, "language:bn"),
    (0x0A00, "language:pa"),
    (0x0A80, "language:gu"),
    (0x0B00, ""),
    (0x0B80, "language:ta"),
    (0x0C00, "language:te"),
    (0x0C80, "language:kn"),
    (0x0D00, "language:ml"),
    (0x0D80, "language:si"),
    (0x0E00, "language:th"),
    (0x0E80, "language:lo"),
    (0x0F00, ""),
    (0x1000, "language:my"),
    (0x10A0, "language:ka"),
    (0x1100, "language:ko"),
    (0x1200, "language:am"),
    (0x13A0, ""),
    (0x1780, "language:km"),
    (0x1800, ""),
    (0x1E00, "latin"),
    (0x1F00, "language:el"),
    (0x2000, ""),
    (0x3040, "language:ja"),
    (0x3100, ""),
    (0x3400, "language:zh"),
    (0xA000, ""),
    (0xAC00, "language:ko"),
    (0xD7B0, ""),
)
_STARTS: Final = [start for start, _ in _BLOCKS]
# Letters that tell a language from the one its script is named after.
_TELLTALES: Final = (
    ("language:uk", "language:ru", re.compile("[іїєґ]", re.IGNORECASE)),
    ("language:fa", "language:ar", re.compile("[پچژگ]")),
)


def signals_of(query: Query, subject: Subject) -> tuple[str, ...]:
    """Return the features of a query, each a short word; `subject` is what its conversation asks now.

    Of the words 2,000 characters are read, half of them at either end. A message cannot carry sound; a text that names
    a recording is marked `audio`.
    """
    newest = ends(subject.newest, _READ)
    found = list(signals(f"{newest}\n{subject.background}", length=len(subject.newest)))
    if any(message.images for message in query.messages):
        found.append("images")
    if _SOUND.search(newest):
        found.append("audio")
    if query.tools:
        found.append("tools")
    return tuple(found)


def signals(text: str, *, length: int | None = None) -> tuple[str, ...]:
    """Return the features of `text`, which may be the beginning of something `length` characters long."""
    head = text[: _READ + 2 * EDGE]
    found = [name for name, pattern in (("code", _CODE), ("maths", _MATHS)) if pattern.search(head)]
    whole = len(text) if length is None else length
    if whole > LONG:
        found.append("very-long" if whole > VERY_LONG else "long")
    language = language_of(head)
    return (*found, language) if language else tuple(found)


def language_of(text: str) -> str | None:
    """Return what language a text is in, as `language:fr`; nothing for English, and where too little tells.

    The script that most of its first 400 letters are of decides, and frequent words among Latin letters. A text of 40
    letters or more that are plainly of something else is `language:unknown`.
    """
    letters = [letter for letter in text[:_READ] if letter.isalpha()][:_LETTERS]
    if not letters:
        return None
    counts = Counter(_script(letter) for letter in letters)
    # Kana tells Japanese, whose texts may hold more Chinese characters than kana.
    if counts["language:ja"] and counts["language:ja"] + counts["language:zh"] > _MOST * len(letters):
        return "language:ja"
    script, count = counts.most_common(1)[0]
    if script.startswith("language:") and count > _MOST * len(letters):
        return _told_apart(script, "".join(letters))
    if script == "latin":
        return _by_words(text, letters)
    return UNKNOWN_LANGUAGE if script == "" and len(letters) >= _TELLING else None


def _script(letter: str) -> str:
    code = ord(letter)
    return _BLOCKS[bisect_right(_STARTS, code) - 1][1]


def _told_apart(script: str, letters: str) -> str:
    return next((name for name, kin, telling in _TELLTALES if kin == script and telling.search(letters)), script)


def _by_words(text: str, letters: list[str]) -> str | None:
    words = re.findall(r"\w+", text[:_READ].lower())[:_WORDS_READ]
    counts = {name: sum(word in frequent for word in words) for name, frequent in FREQUENT.items()}
    best = max(counts, key=lambda name: counts[name])
    foreign = sum(not letter.isascii() for letter in letters) > _FOREIGN * len(letters)
    if counts[best] >= max(2, len(words) / 6) and not (foreign and best == "en"):
        return None if best == "en" else f"language:{best}"
    return UNKNOWN_LANGUAGE if foreign and len(letters) >= _TELLING else None
