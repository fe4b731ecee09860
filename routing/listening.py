"""Listening: an expert's thoughts as a recruiter hears them, answers numbered and looks measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.decision import Ballot
from core.thoughts import Part, Thought
from routing.consulting import School, Standing
from routing.readings import Asking, Numbers
from routing.recruiters.contract import Heard
from routing.replies import reply_clues
from routing.schooling import Schooling
from routing.slate import Slate
from routing.teaching import heard_clues
from routing.voting import HEARD_CLUES


@dataclass(frozen=True, slots=True)
class Manner:
    """How long each candidate's replies are expected to be, as logarithms of tokens, and how they usually look."""

    expected: Numbers
    spread: Numbers
    usual: Numbers


def numbered(asking: Asking, thoughts: Sequence[Thought]) -> Mapping[str, int]:
    """Return the number of each answer that can be compared: an option's place, else in the order they were given."""
    answers = dict.fromkeys(thought.answer for thought in thoughts if thought.comparable and thought.counts)
    if not asking.options:
        return {answer: number for number, answer in enumerate(answers)}
    places = {chr(ord("A") + place): place for place in range(len(asking.options))}
    return {answer: places[answer] for answer in answers if answer in places}


def heard_of(slate: Slate, asking: Asking, thoughts: Sequence[Thought], manner: Manner | None) -> list[Heard]:
    """Return what was heard of each candidate, its first thought alone: a second one of the same expert says little."""
    places = {candidate.spec.name: at for at, candidate in enumerate(slate.candidates)}
    numbers = numbered(asking, thoughts)
    heard: dict[int, Heard] = {}
    for thought in thoughts:
        at = places.get(thought.expert)
        if at is None or at in heard or not thought.counts or thought.role is not Part.PANEL:
            continue
        heard[at] = Heard(at, numbers.get(thought.answer, -1), _clues(asking, thought, at, manner))
    return list(heard.values())


def ballots_of(asking: Asking, thoughts: Sequence[Thought], thought: Standing, school: School) -> tuple[Ballot, ...]:
    """Return the answers given, likeliest first; none where the thoughts cannot be compared."""
    numbers = numbered(asking, thoughts)
    if not school.comparable or not numbers:
        return ()
    chances = {answer: float(thought.chances[0, number]) for answer, number in numbers.items()}
    return tuple(Ballot(answer, chances[answer]) for answer in sorted(chances, key=lambda answer: -chances[answer]))


def manner_of(slate: Slate, schooling: Schooling | None) -> Manner | None:
    """Return how the candidates are expected to reply to the query of a slate; nothing when nothing was learned."""
    if schooling is None or slate.readings is None:
        return None
    school = schooling.on(slate)[1]
    columns = schooling.columns(slate)
    expected = schooling.foresight.log_words(slate.readings)[0]
    return Manner(expected[columns], schooling.foresight.words.spread[columns], school.usual)


def _clues(asking: Asking, thought: Thought, at: int, manner: Manner | None) -> Numbers:
    if manner is None:
        return np.zeros(HEARD_CLUES)
    return heard_clues(
        np.array(float(thought.usage.output_tokens or np.nan)),
        reply_clues(thought.text, asking.stem),
        manner.expected[at],
        manner.spread[at],
        manner.usual[at],
    )
