"""The lessons of a measured profile as the arrays that are learned from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from core.choices import choices_of
from core.ids import ExpertName
from core.ports import Embedder
from core.profiles import Lesson, Outcome, ProfileSet
from routing.lessons import Lessons
from routing.readings import Asking, Numbers, Places, read
from routing.replies import REPLY_CLUES

LEAST = 60
"""From fewer lessons nothing is learned that counts by skill do not say; design choice."""


async def lessons_of(profiles: ProfileSet, families: Mapping[ExpertName, str], embedder: Embedder) -> Lessons | None:
    """Return a profile's lessons, its questions embedded; nothing when there are fewer than 60.

    A question that was declined counts as not answered rightly: whoever asks gets nothing.
    """
    if len(profiles.lessons) < LEAST:
        return None
    experts = tuple(profiles.experts)
    askings = [_asking(lesson) for lesson in profiles.lessons]
    readings = await read(askings, embedder)
    said = np.array([_said(asking, lesson, experts) for asking, lesson in zip(askings, profiles.lessons, strict=True)])
    outcomes = [[lesson.outcomes.get(expert) for expert in experts] for lesson in profiles.lessons]
    right = np.array([[_right(outcome) for outcome in row] for row in outcomes])
    places = {skill.name: at for at, skill in enumerate(profiles.skills)}
    return Lessons(
        experts=experts,
        families=tuple(families.get(expert) or expert for expert in experts),
        readings=readings,
        right=right,
        said=said.astype(np.intp),
        price=np.array([[np.nan if outcome is None else float(outcome.cost) for outcome in row] for row in outcomes]),
        words=np.array([[_words(outcome) for outcome in row] for row in outcomes]),
        # What was said is not kept with a profile, so looks are not learned from it.
        replies=np.full((*right.shape, len(REPLY_CLUES)), np.nan),
        truth=_truths(right, said),
        topics=np.array([places.get(lesson.skills[0], -1) if lesson.skills else -1 for lesson in profiles.lessons]),
    )


def _asking(lesson: Lesson) -> Asking:
    choices = choices_of(lesson.question)
    return Asking(choices.stem, choices.options)


def _said(asking: Asking, lesson: Lesson, experts: tuple[ExpertName, ...]) -> list[int]:
    numbers: dict[str, int] = {chr(ord("A") + place): place for place in range(len(asking.options))}
    said = []
    for expert in experts:
        outcome = lesson.outcomes.get(expert)
        answer = None if outcome is None else outcome.answer
        if answer is None or (asking.options and answer not in numbers):
            said.append(-1)
        else:
            said.append(numbers.setdefault(answer, len(numbers)))
    return said


def _truths(right: Numbers, said: Places) -> Places:
    found = (np.nan_to_num(right) > 0.5) & (said >= 0)
    return np.where(found.any(axis=1), said[np.arange(len(said)), found.argmax(axis=1)], -1)


def _right(outcome: Outcome | None) -> float:
    if outcome is None:
        return np.nan
    return 0.0 if outcome.correct is None else float(outcome.correct)


def _words(outcome: Outcome | None) -> float:
    return np.nan if outcome is None or not outcome.output_tokens else float(outcome.output_tokens)
