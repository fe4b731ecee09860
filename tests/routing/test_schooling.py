"""Schooling on a slate: lessons speak for whoever has them, the counts of the profile for everybody else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from routing.quality import expected_qualities
from routing.schooling import schooling_of, unschooled
from tests.routing.schooled import EAST, WEST, asked, lessons, reading, schooling


def test_each_candidate_is_foreseen_by_its_own_lessons_in_the_order_of_the_slate() -> None:
    slate = asked(WEST, "west-dear", "east-cheap")
    quality, school = schooling().on(slate)

    assert schooling().columns(slate).tolist() == [3, 0]
    assert quality == pytest.approx(schooling().foresight.quality(reading(WEST))[0, [3, 0]])
    assert school.voting.own == pytest.approx(schooling().school.voting.own[[3, 0]])


def test_a_candidate_without_lessons_is_known_by_its_counts() -> None:
    slate = asked(EAST, "stranger", "east-dear")
    quality, _ = schooling().on(slate)

    assert schooling().columns(slate).tolist() == [-1, 1]
    assert quality[0] == expected_qualities(slate)[0]
    assert quality[1] != expected_qualities(slate)[1]


def test_a_candidate_that_was_screened_is_vouched_for_whatever_its_lessons_say() -> None:
    slate = asked(EAST, "west-cheap", "east-dear", sure=frozenset({"west-cheap"}))

    assert schooling().on(slate)[0][0] == expected_qualities(slate)[0]


def test_a_query_that_was_not_read_is_judged_by_the_counts() -> None:
    slate = asked(None)

    assert schooling().on(slate)[0] == pytest.approx(expected_qualities(slate))


def test_before_any_lesson_everybody_weighs_the_same_and_options_can_be_compared() -> None:
    quality, school = unschooled(asked(EAST))

    assert quality == pytest.approx(expected_qualities(asked(EAST)))
    assert not school.voting.own.any()
    assert school.comparable
    assert not unschooled(asked(None))[1].comparable
    assert not unschooled(replace(asked(EAST), readings=reading(EAST, choices=0)))[1].comparable


def test_whether_answers_can_be_compared_is_learned() -> None:
    assert schooling().school.comparable
    assert not schooling(comparable=False).school.comparable


def test_the_same_lessons_and_seed_school_the_same() -> None:
    first, second = schooling_of(lessons(80), 3), schooling_of(lessons(80), 3)

    assert np.array_equal(first.foreseen, second.foreseen)
    assert np.array_equal(first.school.voting.own, second.school.voting.own)
