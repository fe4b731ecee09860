"""Voting: how likely each answer is, given who gave it; what a vote is worth is learned, not assumed independent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from routing.clues import OPTION_CLUES
from routing.readings import Flags, Numbers, Places, Readings
from routing.replies import REPLY_CLUES

HEARD_CLUES: Final = 3 + len(REPLY_CLUES)
"""How many numbers are known of a reply once it was heard: how its length surprises, and its clues."""
_SURE: Final = 30.0


@dataclass(frozen=True, slots=True)
class Voting:
    """A conditional logit over answers: the score of an answer is a sum over who gave it and how it looks.

    A vote adds `slope` times the log-odds of its expert's foreseen quality, the expert's `own` constant, and `reply`
    times its clues. `crowd` times log(1 + votes) makes the first vote count most: experts err together, and the tenth
    agreeing voice says little that the others have not. `unseen` times log(1 + all votes) goes to each option nobody
    gave. Where no options are offered, `fresh` scores that the right answer was not given yet: a constant, and what
    the number of votes and of distinct answers add. `option` weighs the looks of an option.
    """

    slope: float
    own: Numbers
    crowd: float
    unseen: float
    fresh: Numbers
    option: Numbers
    reply: Numbers


@dataclass(frozen=True, slots=True)
class Hearing:
    """Who was heard on each query, and what was said; arrays are [queries, experts].

    `said` numbers the answer, -1 for none; `clues` [queries, experts, heard clues] say what the replies look like.
    """

    heard: Flags
    said: Places
    clues: Numbers

    def plus(self, rows: Places, columns: Places, said: Places, clues: Numbers) -> Hearing:
        """Return the hearing with one more reply on each of some rows."""
        heard, answers, looks = self.heard.copy(), self.said.copy(), self.clues.copy()
        heard[rows, columns] = True
        answers[rows, columns] = said
        looks[rows, columns] = clues
        return Hearing(heard, answers, looks)


def nothing_heard(queries: int, experts: int) -> Hearing:
    """Return the hearing before the first reply."""
    shape = (queries, experts)
    return Hearing(np.zeros(shape, bool), np.full(shape, -1, np.intp), np.zeros((*shape, HEARD_CLUES)))


def untaught(experts: int) -> Voting:
    """Return the voting to begin with, near what every recorded pool taught; design choice."""
    return Voting(
        slope=0.5,
        own=np.zeros(experts),
        crowd=3.0,
        unseen=0.0,
        fresh=np.array([2.0, 0.0, 0.0]),
        option=np.zeros(len(OPTION_CLUES)),
        reply=np.zeros(HEARD_CLUES),
    )


def weights(voting: Voting, quality: Numbers, clues: Numbers) -> Numbers:
    """Return what each expert's vote adds to its answer, the crowd left aside, [queries, experts]."""
    return np.asarray(voting.slope * log_odds(quality) + voting.own + clues @ voting.reply)


def slots(readings: Readings, experts: int) -> int:
    """Return how many answers are kept apart: the most options offered, or one an expert and one not given yet."""
    offered = int(readings.choices.max(initial=0))
    return max(offered, experts + 1) if (readings.choices == 0).any() else offered


def tallied(said: Places, count: int) -> Numbers:
    """Return how many of the experts gave each answer, [queries, answers]."""
    return np.asarray((said[:, :, None] == np.arange(count)).sum(axis=1), np.float64)


def possible(readings: Readings, votes: Numbers) -> Flags:
    """Return which answers may be right, [queries, answers]: options offered, answers given, and one not given yet."""
    count = votes.shape[1]
    places = np.arange(count)
    opened = (readings.choices == 0)[:, None]
    return np.where(opened, (votes > 0) | (places == count - 1), places < readings.choices[:, None])


def scores(voting: Voting, quality: Numbers, readings: Readings, hearing: Hearing, count: int) -> Numbers:
    """Return each answer's score, [queries, answers]; minus infinity where an answer cannot be."""
    given = hearing.said[:, :, None] == np.arange(count)
    votes = np.asarray(given.sum(axis=1), np.float64)
    total = votes.sum(axis=1, keepdims=True)
    adds = np.einsum("qe,qea->qa", weights(voting, quality, hearing.clues), given.astype(np.float64))
    looks = np.zeros_like(adds)
    # Laid out for the most options among many queries, of which these may be a few.
    offered = readings.options[:, :count]
    looks[:, : offered.shape[1]] = offered @ voting.option
    opened = (readings.choices == 0)[:, None]
    fresh = opened & (np.arange(count) == count - 1)
    unseen = np.where(fresh, fresh_clues(votes) @ voting.fresh[:, None], voting.unseen * np.log1p(total) * (votes == 0))
    found = adds + voting.crowd * np.log1p(votes) + looks + unseen
    return np.where(possible(readings, votes), found, -np.inf)


def fresh_clues(votes: Numbers) -> Numbers:
    """Return what says how likely an answer not given yet is: one, and logarithms of votes and distinct answers."""
    total, distinct = votes.sum(axis=1), (votes > 0).sum(axis=1)
    return np.stack([np.ones(len(votes)), np.log1p(total), np.log1p(distinct)], axis=1)


def posterior(found: Numbers) -> Numbers:
    """Return how likely each answer is, from its score; rows add up to 1."""
    raised = np.exp(found - found.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def log_odds(chance: Numbers) -> Numbers:
    """Return the log-odds of chances in 0..1, kept within what a number can hold."""
    odds = np.log(np.maximum(chance, 1e-12)) - np.log(np.maximum(1 - chance, 1e-12))
    return np.asarray(np.clip(odds, -_SURE, _SURE))
