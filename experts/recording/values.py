"""What a recording holds: questions, what each model answered to them, and what is known of the models."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import ascii_uppercase
from typing import Any

from core.money import Micros, Price
from core.usage import Usage


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a recorded pool; `line` counts from 1."""

    file: str
    line: int
    why: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.why}"


@dataclass(frozen=True, slots=True)
class RecordedModel:
    """What a recording lists of a model: billions of parameters and price, each nothing where it is not listed."""

    params_b: float | None = None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one model did with one question; `correct` is 0..1. What was not recorded is nothing, and never 0.

    An `answer` of nothing means that none was recorded or none could be parsed: it casts no vote.
    """

    answer: str | None
    correct: float
    in_tokens: int | None = None
    out_tokens: int | None = None
    micros: Micros | None = None
    latency_s: float | None = None
    text: str | None = None

    @property
    def usage(self) -> Usage:
        """Return the call's usage; tokens that were not recorded count as none."""
        return Usage(self.in_tokens or 0, self.out_tokens or 0, calls=1)


@dataclass(frozen=True, slots=True)
class RecordedItem:
    """One question with the outcome of every model that was asked; with `options`, answers are letters from A.

    `tools` are the function schemas that came with the question, as they were written.
    """

    id: str
    query: str
    outcomes: Mapping[str, Outcome]
    options: tuple[str, ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    category: str = ""
    gold: str | None = None
    split: str = ""

    @property
    def question(self) -> str:
        """Return the question in words, with its lettered options."""
        return lettered(self.query, self.options)


@dataclass(frozen=True, slots=True)
class RecordedPool:
    """A whole recording. `faults` are what was passed over, when it was read leniently.

    `subpools` name some of the models together; `weak` and `strong` are the pair a threshold router decides between.
    """

    name: str
    models: Mapping[str, RecordedModel]
    items: Sequence[RecordedItem]
    texts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    source: str = ""
    licence: str = ""
    scoring: str = ""
    notes: str = ""
    subpools: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    weak: str | None = None
    strong: str | None = None
    faults: tuple[Fault, ...] = ()
    _by_question: dict[str, RecordedItem | None] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Index the questions, with their options and without; what would mean two items means none."""
        for item in self.items:
            for key in {normalised(item.query), normalised(item.question)}:
                self._by_question[key] = None if key in self._by_question else item

    @property
    def prices(self) -> Mapping[str, Price]:
        """Return the prices of the models that have one listed."""
        return {name: model.price for name, model in self.models.items() if model.price is not None}

    def find(self, text: str) -> RecordedItem | None:
        """Return the item whose question is `text`, up to spacing, or nothing."""
        return self._by_question.get(normalised(text))

    def text_of(self, item: RecordedItem, model: str) -> str | None:
        """Return what the model said: its whole output where that was kept, else its bare answer, if any."""
        outcome = item.outcomes[model]
        return self.texts.get((item.id, model)) or outcome.text or outcome.answer


def lettered(query: str, options: Sequence[str]) -> str:
    """Return the question followed by its options, one a line, lettered from A."""
    return "\n".join(
        [query, *(f"{letter}. {option}" for letter, option in zip(ascii_uppercase, options, strict=False))]
    )


def normalised(text: str) -> str:
    """Return the text with composed characters and single spaces, so that copies compare equal."""
    return " ".join(unicodedata.normalize("NFC", text).split())
