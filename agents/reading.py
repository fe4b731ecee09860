"""Reading a comparable answer out of an expert's words: a choice letter, a number, JSON, or a short span."""

from __future__ import annotations

import json
import re
import string
from decimal import Decimal, InvalidOperation

from core.choices import choices_of
from core.messages import ResponseFormat

_MARKER = re.compile(r"(?:final\s+answer|answer)\s*(?:is)?\s*[:=]\s*(.+)", re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\{([^{}]+)\}")
_LETTER = re.compile(r"(?:^|[\s(*])([A-Z])(?=$|[\s).,:*])")
_NUMBER = re.compile(r"-?\$?\d[\d,]*(?:\.\d+)?%?")
_THINKING = re.compile(r"^.*</think>", re.DOTALL)
_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_SPAN_WORDS = 8


def spoken(text: str) -> str:
    """Return what was said after a model's private thinking."""
    return _THINKING.sub("", text).strip()


def short_answer(text: str, question: str, shape: ResponseFormat) -> str | None:
    """Return the answer in a form two experts' words can be compared by, or nothing when there is none.

    Equal returns mean equal answers; different ones need not differ in meaning.
    """
    said = spoken(text)
    if shape.kind != "text":
        return _canonical_json(said)
    letters = choices_of(question).letters
    if letters:
        return _choice(said, letters)
    marked = _BOXED.findall(said) or _MARKER.findall(said)
    span = marked[-1] if marked else said
    if not marked and len(span.split()) > _SPAN_WORDS:
        return None
    return normalise(span) or None


def normalise(span: str) -> str:
    """Return a span without case, articles, outer punctuation and number dress, so that equal answers look equal."""
    bare = span.strip().strip("*_`\"' ").rstrip(".!")
    number = _as_number(bare)
    if number is not None:
        return number
    lowered = _ARTICLES.sub(" ", bare.lower()).strip(string.punctuation + string.whitespace)
    # An article alone is an answer too: the letter A, say.
    return " ".join(lowered.split()) or bare.lower()


def is_number(answer: str) -> bool:
    """Whether a short answer is a number, so that another number is another answer."""
    return _as_number(answer) is not None


def _as_number(span: str) -> str | None:
    found = _NUMBER.fullmatch(span.strip())
    if found is None:
        return None
    try:
        value = Decimal(span.strip().replace(",", "").replace("$", "").rstrip("%"))
    except InvalidOperation:
        return None
    plain = format(value.normalize(), "f")
    return plain + "%" if span.strip().endswith("%") else plain


def _choice(said: str, letters: tuple[str, ...]) -> str | None:
    marked = _MARKER.findall(said)
    for place in ([marked[-1]] if marked else []) + [said]:
        found = [str(letter) for letter in _LETTER.findall(place) if letter in letters]
        if found:
            return found[-1]
    return None


def _canonical_json(said: str) -> str | None:
    fenced = said.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        return json.dumps(json.loads(fenced), sort_keys=True, ensure_ascii=False)
    except (json.JSONDecodeError, RecursionError):
        return None
