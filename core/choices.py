"""Reading a multiple-choice question: what is asked, and the lettered options it offers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from string import ascii_uppercase
from typing import Final

_OPTION: Final = re.compile(r"^[ \t]*\(?([A-Z])[).:][ \t]+(\S.*)$", re.MULTILINE)
_LEAST: Final = 2
_BRIEF: Final = 600
_LITTLE: Final = re.compile(
    r"\b(?:how (?:many|much|old|long|far|tall|fast)|what (?:is|are|was|were|year|number|percent\w*)"
    r"|who|whom|when|where|which|true or false|yes or no|calculate|compute|solve|evaluate|convert)\b"
    r"|\d\s*[-+*/^\u00d7\u00f7=]\s*\d",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Choices:
    """A question parted into its stem and its options, the first of them A; `options` is empty when it has none."""

    stem: str
    options: tuple[str, ...] = ()

    @property
    def letters(self) -> tuple[str, ...]:
        """Return the letters of the options."""
        return tuple(ascii_uppercase[: len(self.options)])


def choices_of(question: str) -> Choices:
    """Return the question's stem and options: at least two lines lettered from A on without a gap.

    Of several such lists the last counts: what comes before it may be an example.
    """
    found = list(_OPTION.finditer(question))
    listed = next((run for run in _runs(found) if len(run) >= _LEAST), None)
    if listed is None:
        return Choices(question)
    stem = question[: listed[0].start()].rstrip()
    return Choices(stem, tuple(match[2].strip() for match in listed))


def _runs(found: Sequence[re.Match[str]]) -> Iterator[Sequence[re.Match[str]]]:
    """Yield what is lettered from A on without a gap, the last such run first."""
    end = len(found)
    for start in reversed([at for at, match in enumerate(found) if match[1] == "A"]):
        letters = zip(found[start:end], ascii_uppercase, strict=False)
        yield [match for match, _ in takewhile(lambda pair: pair[0][1] == pair[1], letters)]
        end = start


def asks_for_little(question: str) -> bool:
    """Whether a question asks for a short answer: a letter of its options, a number, a name, yes or no.

    A guess by its words, in English: a wrong one costs a second voice, or the weighing of one.
    """
    if choices_of(question).options:
        return True
    return len(question) <= _BRIEF and _LITTLE.search(question) is not None
