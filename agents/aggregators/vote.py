"""Weighted vote: the likeliest of the answers that were given wins."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass

from agents.aggregators.contract import Draft, Table
from core.ids import ExpertName
from core.thoughts import Thought

_DOUBTFUL = 0.05
_CERTAIN = 0.99
_LEAST_WEIGHT = 0.05
_UNMEASURED = 0.5


@dataclass(frozen=True, slots=True)
class Ballot:
    """One answer on the table: its share of all weight (0..1) and the thoughts behind it, weightiest first."""

    answer: str
    share: float
    thoughts: tuple[Thought, ...]


def tally(thoughts: Sequence[Thought], quality: Mapping[ExpertName, float]) -> tuple[Ballot, ...]:
    """Return the ballots, heaviest first; ties go to the answer given first.

    A voter who is right with probability p weighs log(p / (1 - p)): the optimal weights for independent voters
    (Nitzan and Paroush 1982). p is kept within 0.05..0.99 and the weight above zero, so that nobody outvotes everybody
    for ever and nobody votes against himself.
    """
    groups: dict[str, list[Thought]] = {}
    for thought in thoughts:
        groups.setdefault(thought.answer, []).append(thought)
    weights = {answer: sum(_weight(t, quality) for t in group) for answer, group in groups.items()}
    total = sum(weights.values())
    ranked = sorted(groups, key=lambda answer: -weights[answer])
    return tuple(
        Ballot(
            answer,
            weights[answer] / total,
            tuple(sorted(groups[answer], key=lambda thought: -_weight(thought, quality))),
        )
        for answer in ranked
    )


class WeightedVote:
    """Answers with the words of the most reliable expert behind the likeliest answer, as it was weighed already.

    Where nothing was weighed, the experts' expected qualities decide.
    """

    async def combine(self, table: Table) -> AsyncGenerator[str | Draft, None]:
        """Yield the winning draft; its confidence is how likely its answer is right, or its share of the weight."""
        chances = {ballot.answer: ballot.chance for ballot in table.ballots}
        ranked = tally(table.thoughts, table.quality)
        winner = max(ranked, key=lambda one: chances.get(one.answer, 0.0)) if chances else ranked[0]
        yield Draft(winner.thoughts[0].text, chances.get(winner.answer, winner.share), "vote")


def _weight(thought: Thought, quality: Mapping[ExpertName, float]) -> float:
    p = min(_CERTAIN, max(_DOUBTFUL, quality.get(thought.expert, _UNMEASURED)))
    return max(_LEAST_WEIGHT, math.log(p / (1 - p)))
