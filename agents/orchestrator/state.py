"""What the graph's nodes share: the state they write, and the context of one run they only use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from agents.admission import Admission
from agents.aggregators.contract import Draft
from agents.convening import Asked
from agents.recording import Story
from core.answers import Answer
from core.decision import Ballot, Decision, Seat
from core.pools import PoolSpec
from core.purse import Purse
from core.skills import Tags
from core.thoughts import Thought


class State(TypedDict, total=False):
    """Plain values only. `seats` are to be consulted next, if there are any; `thoughts` grow round by round.

    The answer is `shown` when its words were told as they came. `ballots` are the answers given so far, likeliest
    first, where they can be compared.
    """

    tags: Tags
    decision: Decision
    seats: tuple[Seat, ...]
    thoughts: tuple[Thought, ...]
    rounds: int
    shown: bool
    ballots: tuple[Ballot, ...]
    draft: Draft | None
    answer: Answer


@dataclass(slots=True)
class Context:
    """One run: who asks what of which pool, the purse it is paid from, its story, and its hold once admitted."""

    asked: Asked
    pool: PoolSpec
    purse: Purse
    story: Story
    admission: Admission | None = None


def counting(thoughts: Sequence[Thought]) -> tuple[Thought, ...]:
    """Return the thoughts that may take part in the answer."""
    return tuple(thought for thought in thoughts if thought.counts)
