"""Promises about turning a profile's lessons into what is learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.ids import ExpertName, SkillName
from core.ports import Embedder
from core.profiles import Lesson, Outcome, ProfileSet
from routing.curriculum import LEAST, lessons_of
from routing.schooling import schooling_of
from tests.routing.pool import profile, profile_set

_CHOICE = "Which one?\nA. this\nB. that"


def _profiles(*lessons: Lesson) -> ProfileSet:
    return replace(profile_set(profile("good", history=(9, 1)), profile("bad", history=(1, 9))), lessons=lessons)


def _lesson(question: str, good: Outcome, bad: Outcome) -> Lesson:
    return Lesson(question, (SkillName("history"),), {ExpertName("good"): good, ExpertName("bad"): bad})


async def test_few_lessons_teach_nothing(embedder: Embedder) -> None:
    lessons = [_lesson("Why?", Outcome(1.0), Outcome(0.0))] * (LEAST - 1)

    assert await lessons_of(_profiles(*lessons), {}, embedder) is None


async def test_answers_are_numbered_and_the_right_one_is_known(embedder: Embedder) -> None:
    open_one = _lesson("When?", Outcome(0.0, "1789"), Outcome(1.0, "1790"))
    lessons = [_lesson(_CHOICE, Outcome(1.0, "B"), Outcome(0.0, "A"))] * LEAST

    found = await lessons_of(_profiles(open_one, *lessons), {}, embedder)

    assert found is not None
    assert found.said[:2].tolist() == [[0, 1], [1, 0]]
    assert found.truth[:2].tolist() == [1, 1]
    assert found.readings.choices[:2].tolist() == [0, 2]


async def test_who_declined_was_not_right_and_who_was_not_asked_is_unknown(embedder: Embedder) -> None:
    unasked = Lesson("Why?", (), {ExpertName("good"): Outcome(None)})

    found = await lessons_of(_profiles(*[unasked] * LEAST), {}, embedder)

    assert found is not None
    assert found.right[0, 0] == 0.0
    assert np.isnan(found.right[0, 1])


async def test_what_lessons_teach_tells_the_good_from_the_bad(embedder: Embedder) -> None:
    lessons = [_lesson(f"What is {n}?", Outcome(1.0, "yes"), Outcome(n % 5 == 0, "no")) for n in range(LEAST)]

    found = await lessons_of(_profiles(*lessons), {}, embedder)

    assert found is not None
    quality = schooling_of(found).foresight.quality(found.readings)
    assert (quality[:, 0] > quality[:, 1]).all()
