"""Lessons: what experts did with single questions, as aligned arrays; what recruiters that learn are fitted to."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.ids import ExpertName
from routing.readings import Numbers, Readings, Rows

COMPARABLE: float = 0.5
"""From this share of replies with a comparable answer on, answers are counted as votes; design choice."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """Questions with every expert's outcome; arrays are [questions, experts] and nan where nothing was recorded.

    `right` is how right a reply was, in 0..1. `said` numbers the answers: the option's place where options are
    offered, else equal numbers mean equal answers; -1 is none. `price` is what the call cost in any one unit, `words`
    the length of the reply in tokens. `replies` [questions, experts, clues] are the replies' clues
    (`routing.replies`). `truth` [questions] numbers the right answer, -1 where nobody gave it or it is not known.
    `topics` [questions] number the questions' primary skills, -1 for none known.
    """

    experts: tuple[ExpertName, ...]
    families: tuple[str, ...]
    readings: Readings
    right: Numbers
    said: npt.NDArray[np.intp]
    price: Numbers
    words: Numbers
    replies: Numbers
    truth: npt.NDArray[np.intp]
    topics: npt.NDArray[np.intp]

    def __len__(self) -> int:
        """Return how many questions there are."""
        return len(self.right)

    @property
    def comparable(self) -> bool:
        """Whether the replies hold answers that can be counted as votes."""
        asked = ~np.isnan(self.right)
        return bool(asked.any()) and float((self.said >= 0)[asked].mean()) >= COMPARABLE

    def take(self, rows: Rows) -> Lessons:
        """Return the lessons of some of the questions."""
        return replace(
            self,
            readings=self.readings.take(rows),
            right=self.right[rows],
            said=self.said[rows],
            price=self.price[rows],
            words=self.words[rows],
            replies=self.replies[rows],
            truth=self.truth[rows],
            topics=self.topics[rows],
        )

    def among(self, experts: tuple[ExpertName, ...]) -> Lessons:
        """Return the lessons of some of the experts, in the order given; who has none is nan throughout."""
        places = {name: at for at, name in enumerate(self.experts)}
        found = np.array([places.get(name, -1) for name in experts], np.intp)
        gone = found < 0
        right, price, words = (_columns(array, found, gone) for array in (self.right, self.price, self.words))
        replies = self.replies[:, found]
        replies[:, gone] = 0.0
        said, truth = _renumbered(np.where(gone, -1, self.said[:, found]), self.truth, self.readings.choices)
        return replace(
            self,
            experts=experts,
            families=tuple(name if at < 0 else self.families[at] for name, at in zip(experts, found, strict=True)),
            right=right,
            said=said,
            truth=truth,
            price=price,
            words=words,
            replies=replies,
        )


def _columns(array: Numbers, found: npt.NDArray[np.intp], gone: npt.NDArray[np.bool_]) -> Numbers:
    taken = array[:, found]
    taken[:, gone] = np.nan
    return taken


def _renumbered(
    said: npt.NDArray[np.intp], truth: npt.NDArray[np.intp], choices: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Number the answers to open questions from nought again, so that there are no more numbers than experts."""
    said, truth = said.copy(), truth.copy()
    for row in np.flatnonzero(choices == 0):
        numbers = {answer: at for at, answer in enumerate(dict.fromkeys(said[row][said[row] >= 0].tolist()))}
        said[row] = [numbers.get(answer, -1) for answer in said[row].tolist()]
        truth[row] = numbers.get(int(truth[row]), -1)
    return said, truth
