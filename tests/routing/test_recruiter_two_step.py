"""Composition of experts: the category first, then its expert; the unsure query is general."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from routing.readings import Readings
from routing.recruiters import two_step
from routing.recruiters.categories import categories_of
from routing.skills import unit
from routing.slate import Choice, Slate
from tests.routing.schooled import EAST, WEST, asked, lessons, panel, reading, readings, schooling, whys


def recruited(slate: Slate) -> Choice:
    return two_step.make(schooling()).recruit(slate, random.Random(0))


def between() -> Readings:
    meaning = np.zeros((1, 8), np.float32)
    meaning[0, -1] = 1.0
    return readings(meaning, 4)


def test_each_category_goes_to_its_best_expert() -> None:
    assert panel(recruited(asked(EAST))) == ["east-dear"]
    assert panel(recruited(asked(WEST))) == ["west-dear"]


def test_thrift_sends_a_category_to_a_cheaper_expert_of_the_same_kind() -> None:
    assert panel(recruited(asked(EAST, thrift=0.5))) == ["east-cheap"]
    assert panel(recruited(asked(WEST, thrift=0.5))) == ["west-cheap"]


def test_a_seat_tells_the_category_and_how_sure_it_is() -> None:
    why = whys(recruited(asked(WEST)))["west-dear"]

    assert why.startswith("right on 0.9")
    assert "of category 1 (sure of the category by 1.00), about $0.0006" in why


def test_a_query_like_no_lesson_is_general() -> None:
    choice = recruited(replace(asked(EAST), readings=between()))

    assert all("of all questions" in why for why in whys(choice).values())


def test_confidence_is_the_share_of_held_out_lessons_it_was_right_for() -> None:
    taught = lessons()
    # Topics drawn by chance cannot be told from meaning: whatever the vote, half are right.
    noise = replace(taught, topics=np.random.default_rng(1).integers(0, 2, len(taught)))

    sure, unsure = categories_of(taught), categories_of(noise)

    category, chance = sure.of(reading(EAST).vectors[0])
    assert category == EAST
    assert chance == pytest.approx(1.0, abs=0.02)
    assert unsure.of(reading(EAST).vectors[0])[1] == pytest.approx(0.5, abs=0.15)
    assert np.all(np.diff(unsure.chances) >= 0)


def test_lessons_without_topics_make_everything_general() -> None:
    topicless = replace(lessons(), topics=np.full(240, -1))

    assert categories_of(topicless).of(unit(np.ones((1, 8), np.float32))[0]) == (0, 0.0)


def test_a_composition_keeps_only_experts_that_fit_together() -> None:
    sizes = np.array([1.0, 9.0, 1.0, 9.0])
    recruiter = two_step.make(schooling(), sizes, budget=2.0)

    chosen = [panel(recruiter.recruit(asked(cluster), random.Random(0))) for cluster in (EAST, WEST)]

    assert chosen == [["east-cheap"], ["west-cheap"]]


def test_an_expert_outside_the_composition_is_asked_only_where_it_can_do_nothing() -> None:
    recruiter = two_step.make(schooling(), np.array([1.0, 9.0, 1.0, 9.0]), budget=2.0)

    choice = recruiter.recruit(asked(EAST, "east-dear", "west-dear"), random.Random(0))

    assert panel(choice) == ["east-dear"]
    assert choice.panel[0].why.startswith("not kept in the composition, right on")
