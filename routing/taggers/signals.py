"""Cheap features of a text that need no model: code, maths, length and a hint of its language."""

from __future__ import annotations

import re
from typing import Final

LONG: Final = 2000
_READ: Final = 4000

_CODE: Final = re.compile(
    r"```|\bdef \w+\(|\bclass \w+[:({]|\bimport \w+|#include\b|\bfunction\b.{0,40}\(|=>|;\s*$"
    r"|\bSELECT\b.{1,200}\bFROM\b|\b(?:python|javascript|typescript|rust|java|sql|bash|regex|c\+\+)\b",
    re.IGNORECASE | re.MULTILINE,
)
_MATHS: Final = re.compile(
    r"\d\s*[-+*/^\u00d7\u00f7=]\s*\d|\d\s*%|[∑∫√π≤≥≠]|\\(?:frac|sum|int|sqrt)\b"
    r"|\b(?:equation|derivative|integral|probability|percent|solve for|square root|sum of)\b",
    re.IGNORECASE,
)
_SCRIPTS: Final = (
    ("language:ja", re.compile(r"[\u3040-\u30ff]")),
    ("language:ko", re.compile(r"[\uac00-\ud7af]")),
    ("language:zh", re.compile(r"[\u4e00-\u9fff]")),
    ("language:ru", re.compile(r"[\u0400-\u04ff]")),
    ("language:ar", re.compile(r"[\u0600-\u06ff]")),
    ("language:el", re.compile(r"[\u0370-\u03ff]{3}")),
    ("language:hi", re.compile(r"[\u0900-\u097f]")),
)
_WORDS: Final = (
    ("language:fr", {"le", "les", "des", "une", "est", "dans", "pour", "que", "quelle", "quel", "avec", "et"}),
    ("language:de", {"der", "das", "und", "ist", "nicht", "ein", "eine", "wie", "welche", "für", "von", "mit"}),
    ("language:es", {"el", "los", "las", "una", "es", "por", "para", "que", "cuál", "qué", "con", "y"}),
    ("language:it", {"il", "gli", "che", "è", "di", "una", "per", "quale", "con", "sono", "nel", "come"}),
    ("language:pt", {"o", "os", "uma", "é", "não", "para", "qual", "com", "do", "da", "em", "que"}),
)


def signals(text: str) -> tuple[str, ...]:
    """Return the features of `text`, each a short word; only its first 4,000 characters are read."""
    head = text[:_READ]
    found = [name for name, pattern in (("code", _CODE), ("maths", _MATHS)) if pattern.search(head)]
    if len(text) > LONG:
        found.append("long")
    language = _language(head)
    return (*found, language) if language else tuple(found)


def _language(text: str) -> str | None:
    for name, pattern in _SCRIPTS:
        if pattern.search(text):
            return name
    words = re.findall(r"\w+", text.lower())[:200]
    counts = {name: sum(word in common for word in words) for name, common in _WORDS}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] >= max(2, len(words) / 6) else None
