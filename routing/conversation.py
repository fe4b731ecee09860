"""What a conversation asks now: its newest question, and as much of the earlier ones as that one leans on.

Pure and quick: however long a conversation is, a bounded part of it is read. It never raises.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from core.choices import choices_of
from core.messages import Message, Role
from routing.words import EMPTY, REFERRING

EDGE: Final = 240
"""Characters that are read at either end of a long text; also the room an earlier question has at most."""
ENOUGH: Final = 3
"""So many words with a meaning of their own let a question stand by itself; design choice."""
_SHORT: Final = 6
_EARLIER: Final = 16
_LEAST_ROOM: Final = 30

_TOKEN: Final = re.compile(r"\w+|[-+*/^=%<>\u00d7\u00f7]+")
# Scripts written without spaces: two of their characters are about a word.
_UNSPACED: Final = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked: the newest user message, whole, and what of earlier ones it leans on, the latest first."""

    newest: str
    background: str = ""

    @property
    def focus(self) -> str:
        """Return what is tagged: both ends of a long question, then the background; under 1,000 characters.

        The newest question comes first, since an embedder may know a text by its beginning only.
        """
        return "\n".join(part for part in (ends(self.newest, 2 * EDGE), self.background) if part)


def focus_of(messages: Sequence[Message]) -> str:
    """Return the text by which a conversation is tagged; empty when no user said a word."""
    return subject_of(messages).focus


def subject_of(messages: Sequence[Message]) -> Subject:
    """Return what is asked now.

    A question that says enough stands by itself. The less it says, the more room the one before it gets, and each
    earlier one at most half of that, up to one that stands by itself. What experts, tools and operators said is left
    out: it is long, and not what is asked.
    """
    said = _said(messages)
    newest = next(said, "")
    room = room_of(newest)
    background: list[str] = []
    for text in islice(said, _EARLIER):
        if room < _LEAST_ROOM:
            break
        leans = room_of(text)
        if leans < EDGE:
            # Its options are no longer on offer, and would be taken for those of the newest question.
            background.append(ends(choices_of(ends(text, 2 * EDGE)).stem, room))
            room = min(room // 2, leans)
    return Subject(newest, "\n".join(background))


def room_of(text: str) -> int:
    """Return how many characters of the question before it a question leans on: none when it stands by itself.

    All of them (`EDGE`) when it has no word with a meaning of its own; fewer with each such word. A question of six
    words or more that points at nothing stands by itself.
    """
    if len(text) > EDGE:
        return 0
    words = _TOKEN.findall(text.lower())
    length = sum(map(_words_in, words))
    meaning = sum(_words_in(word) for word in words if word not in EMPTY)
    if length >= _SHORT and meaning and REFERRING.isdisjoint(words):
        return 0
    return EDGE * max(0, ENOUGH - meaning) // ENOUGH


def ends(text: str, room: int) -> str:
    """Return a text of at most `room` characters: all of it, or the two ends of a long one.

    A question stands before or after what is pasted with it, and the cost of reading grows with the length.
    """
    text = text.strip()
    edge = (room - 1) // 2
    return text if len(text) <= room else f"{text[:edge]} {text[-edge:]}"


def _said(messages: Sequence[Message]) -> Iterator[str]:
    return (message.text for message in reversed(messages) if message.role is Role.USER)


def _words_in(token: str) -> int:
    return 1 if token.isascii() else max(1, math.ceil(len(_UNSPACED.findall(token)) / 2))
