"""Lessons travel with their profiles: counted, bounded, covered by the version, the same after writing and reading."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.ids import ExpertName, SkillName
from core.money import Micros
from core.profiles import MOST_LESSONS, Lesson, Outcome, ProfileSet, Record
from core.skills import Skill
from routing.profiles import build_profiles, dump_profiles, outcomes_of, parse_profiles
from tests.routing.pool import AT

A, B = ExpertName("a"), ExpertName("b")
ALGEBRA, HISTORY = SkillName("algebra"), SkillName("history")
SKILLS = (Skill(ALGEBRA), Skill(HISTORY))

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
lessons = st.lists(
    st.builds(
        Lesson,
        question=texts,
        skills=st.lists(st.sampled_from([ALGEBRA, HISTORY]), unique=True, max_size=2).map(tuple),
        outcomes=st.dictionaries(
            st.sampled_from([A, B]),
            st.builds(
                Outcome,
                correct=st.none() | st.floats(0, 1),
                answer=st.none() | texts,
                input_tokens=st.integers(0, 9),
                output_tokens=st.integers(0, 9),
                cost=st.integers(0, 10**6).map(Micros),
                latency_s=st.floats(0, 60),
            ),
            min_size=1,
        ),
    ),
    max_size=8,
)


def built(of: list[Lesson]) -> ProfileSet:
    return build_profiles("default", "q1", AT, SKILLS, outcomes_of(of), lessons=of)


def lesson(question: str = "Why?", answer: str = "so", correct: float | None = 1.0) -> Lesson:
    return Lesson(question, (ALGEBRA,), {A: Outcome(correct, answer)})


@given(lessons)
def test_lessons_come_back_from_json_as_they_were(of: list[Lesson]) -> None:
    profiles = built(of)

    assert parse_profiles(dump_profiles(profiles)) == profiles


def test_lessons_are_counted_and_half_right_is_right() -> None:
    profiles = built([lesson(correct=share) for share in (1.0, 0.5, 0.4, None)])

    assert profiles.of(A).overall == profiles.of(A).on(ALGEBRA) == Record(2, 1, 1)


def test_another_answer_is_another_version() -> None:
    assert built([lesson(answer="so")]).version != built([lesson(answer="because")]).version


def test_of_too_many_lessons_the_newest_are_kept() -> None:
    one = lesson()
    profiles = built([one, *[replace(one, question="new")] * MOST_LESSONS])

    assert len(profiles.lessons) == MOST_LESSONS
    assert {kept.question for kept in profiles.lessons} == {"new"}
    assert profiles.of(A).overall.wins == MOST_LESSONS + 1


def test_without_lessons_the_file_is_the_one_of_the_first_format() -> None:
    written = json.loads(dump_profiles(build_profiles("default", "q1", AT, SKILLS, outcomes_of([lesson()]))))

    assert written["format"] == 1
    assert "lessons" not in written
    assert "aptitude" not in written["experts"]["a"]


def test_a_lesson_stands_on_a_line_of_its_own() -> None:
    lines = dump_profiles(built([lesson("first"), lesson("second")])).splitlines()

    assert [line for line in lines if '"question"' in line] == [
        '  {"question": "first", "skills": ["algebra"], "outcomes": {"a": [1.0, "so", 0, 0, 0, 0.0]}},',
        '  {"question": "second", "skills": ["algebra"], "outcomes": {"a": [1.0, "so", 0, 0, 0, 0.0]}}',
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"skills": ["cooking"]}, r"lessons\.0"),
        ({"outcomes": {"nobody": [1, None, 0, 0, 0, 0]}}, r"lessons\.0"),
        ({"outcomes": {"a": [2, None, 0, 0, 0, 0]}}, r"lessons\.0\.outcomes\.a\.0"),
        ({"outcomes": {"a": [1, "NUL \0", 0, 0, 0, 0]}}, r"lessons\.0\.outcomes\.a\.1"),
        ({"outcomes": {"a": [1, None, 0]}}, r"lessons\.0\.outcomes\.a"),
        ({"outcomes": {"a": [1, None, 0, 0, -1, 0]}}, r"lessons\.0\.outcomes\.a\.4"),
    ],
)
def test_a_broken_lesson_is_refused_and_says_where(change: dict[str, object], says: str) -> None:
    written = json.loads(dump_profiles(built([lesson()])))
    written["lessons"][0] |= change

    with pytest.raises(ConfigurationError, match=says):
        parse_profiles(json.dumps(written))
