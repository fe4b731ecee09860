"""The kNN router: what the nearest lessons say, found exactly."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.recruiters import neighbours
from routing.recruiters.nearest import nearest, nearest_others
from routing.skills import unit
from tests.routing.schooled import EAST, WEST, asked, expected, panel, reading, schooling, whys


def test_the_expert_that_was_right_on_like_questions_is_asked() -> None:
    recruiter = neighbours.make(schooling())

    assert panel(recruiter.recruit(asked(EAST), random.Random(0))) == ["east-dear"]
    assert panel(recruiter.recruit(asked(WEST), random.Random(0))) == ["west-dear"]


def test_quality_is_the_mean_outcome_of_the_nearest_weighed_by_likeness() -> None:
    learned = schooling()
    likeness = learned.lessons.readings.vectors @ reading(EAST).vectors[0]
    rows = np.argsort(-likeness)[: neighbours.NEAREST]
    by_hand = np.average(learned.lessons.right[rows], axis=0, weights=likeness[rows])

    choice = neighbours.make(learned).recruit(asked(EAST), random.Random(0))

    assert [expected(choice)[name] for name in learned.lessons.experts] == pytest.approx(by_hand.tolist(), abs=1e-5)
    assert "of the 40 nearest lessons" in whys(choice)["east-dear"]


def test_an_expert_never_recorded_nearby_is_as_it_is_overall() -> None:
    learned = schooling()
    right = learned.lessons.right.copy()
    right[learned.lessons.topics == EAST, 0] = np.nan
    forgetful = replace(learned, lessons=replace(learned.lessons, right=right))

    choice = neighbours.make(forgetful).recruit(asked(EAST), random.Random(0))

    assert expected(choice)["east-cheap"] == pytest.approx(learned.foresight.right.level[0])


@given(st.integers(1, 40), st.integers(1, 50), st.integers(0, 2**16))
def test_nobody_left_out_is_nearer(lessons: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors = unit(rng.normal(size=(lessons, 4)).astype(np.float32))
    vector = unit(rng.normal(size=(1, 4)).astype(np.float32))[0]

    rows, likeness = nearest(vectors, vector, count)

    alike = np.clip(vectors @ vector, 0, 1)
    assert len(set(rows.tolist())) == len(rows) == min(count, lessons)
    assert likeness == pytest.approx(alike[rows])
    assert likeness.min() >= np.delete(alike, rows).max(initial=0) - 1e-6


@given(st.integers(2, 30), st.integers(1, 40))
def test_among_all_others_nobody_is_its_own_neighbour(lessons: int, count: int) -> None:
    vectors = unit(np.random.default_rng(lessons).normal(size=(lessons, 4)).astype(np.float32))

    rows, likeness = nearest_others(vectors, count)

    assert rows.shape == likeness.shape == (lessons, min(count, lessons - 1))
    assert not (rows == np.arange(lessons)[:, None]).any()
