"""Teaching: what is fitted is what is served, the reliable weigh more, and looks that tell nothing say nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.lessons import Lessons
from routing.readings import Numbers
from routing.teaching import _as_vector, _as_voting, _sheet, heard_clues, taught, trusted, usual_replies
from routing.voting import HEARD_CLUES, Hearing, Voting, posterior, scores, slots, tallied, untaught, weights
from tests.routing.schooled import NAMES, OPTIONS, lessons
from tests.routing.voted import Scene, among, scenes, voting

EVEN = np.full((240, len(NAMES)), 0.5)
SILENT = np.zeros((240, len(NAMES), HEARD_CLUES))


def planted(rates: list[float], count: int = 240, seed: int = 0) -> Lessons:
    """Return lessons in which each expert is right at its rate; who errs says any other option."""
    rng = np.random.default_rng(seed)
    made = lessons(count, seed=seed)
    right = (rng.random(made.right.shape) < np.array(rates)).astype(np.float64)
    astray = (made.truth[:, None] + rng.integers(1, OPTIONS, right.shape)) % OPTIONS
    return replace(made, right=right, said=np.where(right > 0, made.truth[:, None], astray))


def learned(made: Lessons, quality: Numbers = EVEN, clues: Numbers = SILENT) -> Voting:
    return taught(made, quality[: len(made)], clues[: len(made)], np.random.default_rng(0))


def as_open(made: Lessons) -> Lessons:
    """Return the lessons without their options: answers are numbered as they were given."""
    empty = replace(made.readings, choices=np.zeros(len(made), np.intp), options=made.readings.options[:, :0])
    given = (made.said == made.truth[:, None]).any(axis=1)
    return replace(made, readings=empty, truth=np.where(given, made.truth, -1))


@given(scenes())
def test_what_is_taught_is_what_is_served(scene: Scene) -> None:
    count = slots(scene.readings, scene.quality.shape[1])
    voted = np.flatnonzero((scene.hearing.said >= 0).any(axis=1))
    sheet, _, allowed = _sheet(scene.lessons(), scene.quality, scene.hearing.clues, scene.heard, count)

    served = among(scene, voted)
    found = scores(scene.voting, served.quality, served.readings, served.hearing, count)
    assert np.array_equal(allowed, np.isfinite(found))
    assert (sheet @ _as_vector(scene.voting))[allowed] == pytest.approx(found[allowed])


@given(st.integers(0, 1000), st.integers(1, 6))
def test_a_voting_survives_being_a_vector(seed: int, experts: int) -> None:
    vector = _as_vector(voting(np.random.default_rng(seed), experts))

    assert np.array_equal(_as_vector(_as_voting(vector, experts)), vector)


def test_the_reliable_expert_comes_to_weigh_more() -> None:
    found = learned(planted([0.9, 0.5, 0.5, 0.3]))

    assert found.own.argmax() == 0
    assert found.own.argmin() == 3
    assert found.own[1] == pytest.approx(found.own[2], abs=0.5)


def test_what_is_foreseen_is_believed_when_it_was_right() -> None:
    made = planted([0.6] * 4)
    knowing = np.where(made.right > 0, 0.8, 0.2)

    assert learned(made, knowing).slope > untaught(4).slope > learned(made, 1 - knowing).slope


def test_a_vote_is_better_taught_than_not() -> None:
    rates = [0.9, 0.4, 0.4, 0.4]
    unseen = planted(rates, seed=1)

    def right(one: Voting) -> float:
        sheet, truth, allowed = _sheet(unseen, EVEN, SILENT, np.ones_like(EVEN, bool), OPTIONS)
        chance = posterior(np.where(allowed, sheet @ _as_vector(one), -np.inf))
        return float(np.log(chance[np.arange(len(truth)), truth]).mean())

    assert right(learned(planted(rates))) > right(untaught(4)) + 0.05


def test_no_lessons_leave_the_vote_as_it_began() -> None:
    nobody = replace(planted([0.5] * 4), said=np.full((240, 4), -1))

    for made in (nobody, planted([0.5] * 4).take(slice(0, 0))):
        assert np.array_equal(_as_vector(learned(made)), _as_vector(untaught(4)))


def test_lessons_whose_right_answer_is_not_known_teach_nothing() -> None:
    unknown = replace(planted([0.5] * 4), truth=np.full(240, -1))

    assert np.array_equal(_as_vector(learned(unknown)), _as_vector(untaught(4)))


def test_where_nobody_knows_the_answer_it_is_likely_not_given_yet() -> None:
    def fresh(rate: float) -> float:
        made = as_open(planted([rate] * 4))
        hearing = Hearing(np.ones((240, 4), bool), made.said, SILENT)
        return float(posterior(scores(learned(made), EVEN, made.readings, hearing, 5))[:, 4].mean())

    assert fresh(0.05) == pytest.approx(0.95**4, abs=0.1)
    assert fresh(0.95) < 0.1


def test_of_an_open_question_nobody_got_the_truth_is_the_last_place() -> None:
    made = as_open(planted([0.5] * 4))
    _, truth, allowed = _sheet(made, EVEN, SILENT, np.ones_like(EVEN, bool), slots(made.readings, 4))

    missed = (made.truth < 0)[(made.said >= 0).any(axis=1)]
    assert (truth[missed] == 4).all()
    assert (truth[~missed] < 4).all()
    assert allowed[np.arange(len(truth)), truth].all()


@given(scenes())
@settings(max_examples=30)
def test_any_lessons_teach_finite_numbers(scene: Scene) -> None:
    made = scene.lessons()
    quality, clues = scene.quality, scene.hearing.clues

    assert np.isfinite(_as_vector(taught(made, quality, clues, np.random.default_rng(0)))).all()


def test_looks_that_tell_a_wrong_reply_are_listened_to_and_noise_is_not() -> None:
    made = planted([0.5] * 4)
    noise = np.random.default_rng(1).normal(size=SILENT.shape)
    telling = noise.copy()
    telling[:, :, 3] = 1 - made.right

    found, nothing = trusted(made, EVEN, telling), trusted(made, EVEN, noise)
    assert (found.own[:, 3] < -0.4).all()
    assert (found.spread > 0.2).all()
    assert not nothing.own.any()
    assert not nothing.spread.any()


def test_a_looking_reply_is_also_worth_more_in_the_vote() -> None:
    made = planted([0.5] * 4)
    telling = SILENT.copy()
    telling[:, :, 3] = 1 - made.right

    assert learned(made, clues=telling).reply[3] < -0.5


def test_a_reply_surprises_by_its_length_in_spreads_and_by_its_looks() -> None:
    usual = np.zeros((2, HEARD_CLUES - 3))
    clues = np.ones((2, HEARD_CLUES - 3))
    found = heard_clues(np.array([np.e, np.nan]), clues, np.array([2.0, 2.0]), np.array([0.5, 0.5]), usual)

    assert found[:, :3] == pytest.approx(np.array([[-2, -2, 4], [0, 0, 0]]))
    assert (found[:, 3:] == 1).all()
    assert not heard_clues(np.array([1e9]), clues[:1] * np.nan, np.zeros(1), np.ones(1), usual[:1])[0, 3:].any()


def test_what_is_usual_is_the_mean_of_what_was_kept() -> None:
    made = lessons(4)
    replies = made.replies.copy()
    replies[:2, 0] = np.array([[0.0], [1.0]])
    usual = usual_replies(replace(made, replies=replies))

    assert usual[0] == pytest.approx(0.5)
    assert np.isnan(usual[1:]).all()


def test_a_vote_of_an_unlikely_expert_can_speak_against_its_answer() -> None:
    assert weights(untaught(1), np.array([[0.1]]), np.zeros((1, 1, HEARD_CLUES)))[0, 0] < 0
    assert tallied(np.array([[0, 0, -1]]), 2).tolist() == [[2, 0]]
