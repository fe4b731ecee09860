"""The vote: chances add up, no support hurts an answer, and what cannot be has no chance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.readings import Numbers, Places, Readings, nothing_read
from routing.voting import (
    Hearing,
    Voting,
    log_odds,
    nothing_heard,
    possible,
    posterior,
    scores,
    slots,
    tallied,
    untaught,
    weights,
)
from tests.routing.schooled import reading
from tests.routing.voted import Scene, among, scenes


def chances(scene: Scene) -> Numbers:
    count = slots(scene.readings, scene.quality.shape[1])
    return posterior(scores(scene.voting, scene.quality, scene.readings, scene.hearing, count))


def heard(*said: int) -> Hearing:
    """Return the hearing of one query: a number an expert, -1 for one that was not heard."""
    hearing = nothing_heard(1, len(said))
    places = np.flatnonzero(np.array(said) >= 0)
    return hearing.plus(
        np.zeros(len(places), np.intp), places, np.array(said)[places], np.zeros(hearing.clues.shape[2])
    )


def thought(voting: Voting, quality: list[float], readings: Readings, *said: int) -> list[float]:
    """Return the chances of the answers to one query."""
    found = chances(Scene(voting, np.array([quality]), readings, heard(*said)))
    return [float(chance) for chance in found[0]]


@given(scenes())
def test_chances_add_up_to_one_and_what_cannot_be_has_none(scene: Scene) -> None:
    found = chances(scene)
    allowed = possible(scene.readings, tallied(scene.hearing.said, found.shape[1]))

    assert found.sum(axis=1) == pytest.approx(np.ones(len(found)))
    assert not found[~allowed].any()
    assert (found >= 0).all()


@given(scenes(), st.data())
def test_one_more_vote_of_positive_weight_never_hurts_its_answer(scene: Scene, data: st.DataObject) -> None:
    scene = replace(scene, voting=replace(scene.voting, crowd=abs(scene.voting.crowd), unseen=0.0, fresh=np.zeros(3)))
    adds = weights(scene.voting, scene.quality, np.zeros_like(scene.hearing.clues))
    row, at = data.draw(st.sampled_from([(row, at) for row, at in np.ndindex(*adds.shape)]))
    said = data.draw(st.integers(0, (int(scene.readings.choices[row]) or adds.shape[1]) - 1))
    if scene.heard[row, at] or adds[row, at] < 0:
        return

    after = scene.hearing.plus(
        np.array([row]), np.array([at]), np.array([said]), np.zeros(scene.hearing.clues.shape[2])
    )

    assert chances(replace(scene, hearing=after))[row, said] >= chances(scene)[row, said] - 1e-12


@given(scenes(), st.permutations(range(5)))
def test_the_order_of_the_experts_does_not_matter(scene: Scene, order: list[int]) -> None:
    columns: Places = np.array([at for at in order if at < scene.quality.shape[1]])
    hearing = scene.hearing
    turned = Scene(
        replace(scene.voting, own=scene.voting.own[columns]),
        scene.quality[:, columns],
        scene.readings,
        Hearing(hearing.heard[:, columns], hearing.said[:, columns], hearing.clues[:, columns]),
    )

    assert chances(turned) == pytest.approx(chances(scene))


@given(scenes())
def test_a_query_is_judged_the_same_among_others_and_alone(scene: Scene) -> None:
    alone, together = chances(among(scene, np.array([0])))[0], chances(scene)[0]
    count = int(scene.readings.choices[0])
    # What is left of the last place is padding, laid out for the most options among the queries.
    kept = np.arange(count) if count else np.array([*range(scene.quality.shape[1]), -1])

    assert together[kept] == pytest.approx(alone[kept])
    assert together[kept].sum() == pytest.approx(1.0)


def test_before_any_vote_options_that_look_alike_are_as_likely() -> None:
    assert thought(untaught(2), [0.9, 0.4], reading(0), -1, -1) == pytest.approx([0.25] * 4)


def test_a_better_expert_is_believed_over_a_worse_one() -> None:
    found = thought(untaught(2), [0.9, 0.3], reading(0), 1, 2)

    assert found[1] > found[2] > found[0] == found[3]


def test_two_who_agree_are_believed_more_than_one_and_the_second_adds_less_than_the_first() -> None:
    alone, two, three = (
        thought(untaught(3), [0.5] * 3, reading(0), *said)[0] for said in ((0, -1, -1), (0, 0, -1), (0, 0, 0))
    )

    assert alone < two < three
    assert log_odds(np.array(two)) - log_odds(np.array(alone)) > log_odds(np.array(three)) - log_odds(np.array(two))


def test_the_answer_to_an_open_question_may_not_have_been_given_yet() -> None:
    none, one, two = (thought(untaught(2), [0.7, 0.7], nothing_read(), *said) for said in ((-1, -1), (0, -1), (0, 0)))

    assert none == [0.0, 0.0, 1.0]
    assert 0 < two[2] < one[2] < 1
    assert one[1] == two[1] == 0.0


def test_options_and_open_questions_keep_their_answers_apart() -> None:
    assert slots(reading(0), 3) == 4
    assert slots(nothing_read(), 3) == 4
    assert slots(reading(0, choices=2), 7) == 2


@given(st.floats(0, 1))
def test_log_odds_are_finite_and_turn_about_with_the_chance(chance: float) -> None:
    found, other = log_odds(np.array([chance, 1 - chance]))

    assert np.isfinite(found)
    assert found == pytest.approx(-other, abs=1e-3)


def test_a_hearing_grows_without_changing_what_it_was() -> None:
    before = nothing_heard(2, 2)
    after = before.plus(np.array([1]), np.array([0]), np.array([3]), np.ones(before.clues.shape[2]))

    assert not before.heard.any()
    assert after.heard.tolist() == [[False, False], [True, False]]
    assert after.said.tolist() == [[-1, -1], [3, -1]]
