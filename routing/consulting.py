"""Consulting one expert after another: who is worth asking next, and when enough was heard. Pure arithmetic.

Arrays hold many queries side by side, so that a replay of thousands and one live query run the same code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.special import ndtr

from routing.readings import Flags, Numbers, Places, Readings
from routing.teaching import Trust
from routing.voting import Hearing, Voting, posterior, scores, slots, tallied, weights

CURIOSITY: Final = 0.1
"""What one nat less of doubt is worth beside a right answer: a second voice often pays only with a third."""
HERDING: Final = 0.5
"""The share of wrong replies that follow what is thought already; the rest are wrong anyhow. Design choice."""
PATIENCE: Final = 0.01
"""What chance of a right answer the wait for a reply costs that only tells whether to ask another."""


@dataclass(frozen=True, slots=True)
class School:
    """What was learned of how to take an expert's word.

    What a vote is worth, how far a reply's looks are trusted, what each expert's replies `usual`ly look like [experts,
    clues], and whether answers can be compared at all.
    """

    voting: Voting
    trust: Trust
    usual: Numbers
    comparable: bool

    def among(self, columns: Places) -> School:
        """Return the school with these experts as columns; -1 is one nothing was learned of, taken to be as usual."""
        gone = columns < 0
        own = np.where(gone, self.voting.own.mean(), self.voting.own[columns])
        usual = np.where(gone[:, None], np.nan, self.usual[columns])
        trust = replace(
            self.trust,
            own=np.where(gone[:, None], 0.0, self.trust.own[columns]),
            spread=np.where(gone, 0.0, self.trust.spread[columns]),
        )
        return replace(self, voting=replace(self.voting, own=own), trust=trust, usual=usual)

    def looks(self, quality: Numbers, hearing: Hearing) -> Numbers:
        """Return how good each reply is or would be, [queries, experts]: as foreseen, moved by the replies heard."""
        heard = hearing.clues * hearing.heard[:, :, None]
        count = np.maximum(hearing.heard.sum(axis=1)[:, None, None] - hearing.heard[:, :, None], 1)
        around = (heard.sum(axis=1, keepdims=True) - heard) / count
        moved = quality + np.einsum("qec,ec->qe", heard, self.trust.own) + around @ self.trust.others
        return np.asarray(np.clip(moved, 0.0, 1.0))


@dataclass(frozen=True, slots=True)
class Standing:
    """What is thought after what was heard.

    `chances` [queries, answers] are the answers' posteriors where answers are compared; where they are not, it is
    [queries, experts], how good each heard expert's reply is. `belief` is the chance of the leading one.
    """

    chances: Numbers
    leading: Numbers
    belief: Numbers


@dataclass(frozen=True, slots=True)
class Consultation:
    """Queries being answered: what is foreseen of each expert and what asking it costs, [queries, experts].

    `price` is in units of a usual call of the best single expert; `thrift` is how much chance of a right answer such a
    unit must bring. `open_to` tells who may be asked at all.
    """

    school: School
    readings: Readings
    quality: Numbers
    price: Numbers
    open_to: Flags
    thrift: float

    def standing(self, hearing: Hearing) -> Standing:
        """Return what is thought by now; before anything was heard belief is 0."""
        if self.school.comparable:
            chances = posterior(self._scores(hearing))
            # Answers nobody gave are possible, but cannot be given.
            given = np.where(tallied(hearing.said, chances.shape[1]) > 0, chances, 0.0)
            return Standing(chances, given.argmax(axis=1), given.max(axis=1))
        chances = np.where(hearing.heard, self.school.looks(self.quality, hearing), 0.0)
        return Standing(chances, chances.argmax(axis=1), chances.max(axis=1))

    def worth(self, hearing: Hearing) -> Numbers:
        """Return what asking each expert next is worth, its price taken off, [queries, experts].

        Above nought it is worth asking; minus infinity who was heard already or may not be asked.
        """
        gain = self._votes_worth(hearing) if self.school.comparable else self._replies_worth(hearing)
        return np.where(self.open_to & ~hearing.heard, gain - self.thrift * self.price, -np.inf)

    def _scores(self, hearing: Hearing) -> Numbers:
        count = slots(self.readings, self.quality.shape[1])
        return scores(self.school.voting, self.quality, self.readings, hearing, count)

    def _votes_worth(self, hearing: Hearing) -> Numbers:
        """Return the expected gain in the leader's posterior, and a little for the doubt it takes, by each next vote.

        An expert's vote is foreseen from what is thought by now: it falls on an answer when that is right and the
        expert is, or when the expert is wrong and follows the others or chance.
        """
        found = self._scores(hearing)
        chances = posterior(found)
        votes = tallied(hearing.said, chances.shape[1])
        allowed = chances > 0
        spread = HERDING * chances + (1 - HERDING) * allowed / np.maximum(allowed.sum(axis=1, keepdims=True), 1)
        odds = chances / (1 - spread + 1e-9)
        astray = spread * (odds.sum(axis=1, keepdims=True) - odds)
        quality = self.quality[:, :, None]
        falls = quality * chances[:, None, :] + (1 - quality) * astray[:, None, :]
        adds = weights(self.school.voting, self.quality, np.zeros_like(hearing.clues))[:, :, None]
        crowding = self.school.voting.crowd * (np.log(votes + 2) - np.log(votes + 1))
        lift = np.exp(np.clip(adds + crowding[:, None, :], -4, 8))
        total = 1 + chances[:, None, :] * (lift - 1)
        raised = chances[:, None, :] * lift / total
        lead, rival = _lead_and_rival(chances)
        leader = np.maximum(raised, rival[:, None, :] / total)
        doubt = _entropy(chances)
        left = (doubt.sum(axis=1)[:, None, None] - doubt[:, None, :]) / total
        doubt_then = _entropy(raised) + left + (1 - chances)[:, None, :] / total * np.log(total)
        gain = (falls * leader).sum(axis=2) - lead[:, None]
        return np.asarray(gain + CURIOSITY * (doubt.sum(axis=1)[:, None] - (falls * doubt_then).sum(axis=2)))

    def _replies_worth(self, hearing: Hearing) -> Numbers:
        """Return the expected gain of hearing each expert when the best reply may be kept, or another asked after it.

        How good a reply will look is taken as normal around what is foreseen. One step ahead is exact for two experts:
        a cheap one is worth asking first when it can be told afterwards whether the dear one is needed.
        """
        looks = self.school.looks(self.quality, hearing)
        free = self.open_to & ~hearing.heard
        have = np.where(hearing.heard, looks, 0.0).max(axis=1)
        after = np.where(free, looks - self.thrift * self.price, 0.0)
        best_other = _lead_and_rival_each(after)
        # Hearing somebody of whose reply nothing can be told says nothing about whether to ask another.
        telling = self.school.trust.spread > 0
        floor = np.maximum(have[:, None], np.where(telling, best_other - PATIENCE, 0.0))
        spread = np.maximum(self.school.trust.spread, 1e-9)
        z = (looks - floor) / spread
        expected = floor + (looks - floor) * ndtr(z) + spread * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        return np.asarray(expected - have[:, None])


def _entropy(chances: Numbers) -> Numbers:
    return -chances * np.log(np.maximum(chances, 1e-12))


def _lead_and_rival(chances: Numbers) -> tuple[Numbers, Numbers]:
    """Return the greatest chance of each row, and for each place the greatest of the other places."""
    lead = chances.max(axis=1)
    return lead, _lead_and_rival_each(chances)


def _lead_and_rival_each(values: Numbers) -> Numbers:
    """Return for each place of a row the greatest value of the other places; 0 when there is none."""
    if values.shape[1] < 2:
        return np.zeros_like(values)
    ordered = np.sort(values, axis=1)
    top, second = ordered[:, -1:], ordered[:, -2:-1]
    first = np.arange(values.shape[1]) == values.argmax(axis=1)[:, None]
    return np.where(first, second, top)
