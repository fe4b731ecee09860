"""Readings: queries as numbers, side by side, in the one form that training, replaying and serving share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.choices import choices_of
from core.ports import Embedder
from core.query import Query
from routing.clues import CLUES, OPTION_CLUES, clues_of, option_clues
from routing.conversation import subject_of

Numbers = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp] | npt.NDArray[np.bool_] | slice


@dataclass(frozen=True, slots=True)
class Asking:
    """What a query says: the stem of the question, its options, and the texts of the tools that come with it."""

    stem: str
    options: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Readings:
    """Queries as numbers.

    `vectors` are [queries, dims] of unit length, `clues` [queries, clues], `options` [queries, most options, option
    clues], and `choices` [queries] tell how many options each offers; 0 is an open question.
    """

    vectors: Vectors
    clues: Numbers
    options: Numbers
    choices: npt.NDArray[np.intp]

    def __len__(self) -> int:
        """Return how many queries there are."""
        return len(self.choices)

    def take(self, rows: Rows) -> Readings:
        """Return the readings of some of the queries."""
        return Readings(self.vectors[rows], self.clues[rows], self.options[rows], self.choices[rows])


def asking_of(query: Query) -> Asking:
    """Return what a query says: its newest question with what that leans on, and its tools by name and description."""
    subject = subject_of(query.messages)
    choices = choices_of(subject.newest)
    tools = tuple(f"{tool.name}: {tool.description}" for tool in query.tools)
    if choices.options:
        return Asking(choices.stem, choices.options, tools)
    return Asking("\n".join(filter(None, (choices.stem, subject.background))), (), tools)


async def read(askings: Sequence[Asking], embedder: Embedder) -> Readings:
    """Return the readings of queries; embeds each stem and each distinct tool text once."""
    texts = dict.fromkeys(text for asking in askings for text in (asking.stem, *asking.tools))
    vectors = dict(zip(texts, np.array(await embedder.embed(list(texts)), np.float32), strict=True)) if texts else {}
    return readings_of(askings, [vectors[asking.stem] for asking in askings], [_nearness(a, vectors) for a in askings])


def readings_of(askings: Sequence[Asking], vectors: Sequence[Vectors], nearness: Sequence[float]) -> Readings:
    """Return the readings of queries whose vectors, and nearness to their nearest tools, are known."""
    most = max((len(asking.options) for asking in askings), default=0)
    options = np.zeros((len(askings), most, len(OPTION_CLUES)))
    clues = np.zeros((len(askings), len(CLUES)))
    for row, asking in enumerate(askings):
        options[row, : len(asking.options)] = option_clues(asking.options)
        clues[row] = clues_of(asking.stem, asking.options, len(asking.tools), nearness[row])
    choices = np.array([len(asking.options) for asking in askings], np.intp)
    dims = len(vectors[0]) if len(vectors) else 0
    return Readings(np.array(vectors, np.float32).reshape(len(askings), dims), clues, options, choices)


def nothing_read() -> Readings:
    """Return the reading of one open question of which nothing is known."""
    return Readings(
        np.zeros((1, 0), np.float32),
        np.zeros((1, len(CLUES))),
        np.zeros((1, 0, len(OPTION_CLUES))),
        np.zeros(1, np.intp),
    )


def _nearness(asking: Asking, vectors: dict[str, Vectors]) -> float:
    stem = vectors[asking.stem]
    return max((float(stem @ vectors[tool]) for tool in asking.tools), default=0.0)
