"""The floor below which a query is like no skill: told by the profile's own questions, each left out of its skills."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.ids import SkillName
from core.skills import Skill
from routing.skills import FLOOR, STRANGE, Vectors, floor_of, index_skills, left_out, unit

similarities = arrays(np.float32, st.integers(0, 200), elements=st.floats(-1, 1, width=32))


class Compass:
    """An embedder by directions that are written down; `read` counts the texts."""

    def __init__(self, directions: dict[str, Sequence[float]]) -> None:
        self.directions = directions

    @property
    def name(self) -> str:
        return "compass"

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        rows = np.array([self.directions[text] for text in texts], np.float32)
        return [[float(value) for value in row] for row in unit(rows)]


def skill(name: str, *examples: str) -> Skill:
    return Skill(SkillName(name), (), None, examples)


@given(similarities)
def test_at_most_the_stated_share_of_a_profiles_own_questions_falls_below_a_floor_above_the_least(
    near: Vectors,
) -> None:
    floor = floor_of(near)

    assert floor >= FLOOR
    if floor > FLOOR:
        assert (near < floor).mean() <= STRANGE


@given(similarities, st.floats(0, 1, width=32))
def test_nearer_questions_never_lower_the_floor(near: Vectors, by: float) -> None:
    assert floor_of(near + np.float32(by)) >= floor_of(near)


def test_fewer_questions_than_one_in_the_share_say_nothing() -> None:
    assert floor_of(np.full(18, 0.9, np.float32)) == FLOOR
    assert floor_of(np.full(19, 0.9, np.float32)) == pytest.approx(0.9)


def test_a_question_is_left_out_of_every_skill_that_has_it() -> None:
    question, name = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    sums = np.stack([question + name, question + name])

    near = left_out(sums, np.stack([question, question]), np.array([0, 1]), np.array([7, 7]))

    assert near.tolist() == [0.0, 0.0]


def test_a_question_of_another_skill_is_compared_with_that_skill_as_it_is() -> None:
    mine, other = np.array([1, 0], np.float32), np.array([0.6, 0.8], np.float32)

    near = left_out(np.stack([mine * 2, other]), mine[None], np.array([0]), np.array([0]))

    assert near[0] == pytest.approx(1.0)


async def test_a_narrow_profile_has_a_higher_floor_than_the_least() -> None:
    questions = [f"sum {number}" for number in range(40)]
    around = {text: [1.0, 0.2 * (number % 3 - 1), 0.0] for number, text in enumerate(questions)}
    index = await index_skills([skill("sums", *questions)], Compass({"sums": [1, 0, 0], **around}))

    assert index.floor > 0.9
    assert index.nearest([0.5, 0.0, 0.86]) != ()
    assert index.nearest([0.5, 0.0, 0.86], floor=index.floor) == ()


async def test_skills_without_questions_keep_the_least_floor() -> None:
    index = await index_skills([skill("sums"), skill("verse")], Compass({"sums": [1, 0], "verse": [0, 1]}))

    assert index.floor == FLOOR


async def test_of_many_questions_a_bounded_number_is_measured() -> None:
    many = [f"q{number}" for number in range(3000)]
    directions = {text: [1.0, number / 3000] for number, text in enumerate(many)}
    index = await index_skills([skill("all", *many)], Compass({"all": [1, 0.5], **directions}))

    assert 0.9 < index.floor < 1
