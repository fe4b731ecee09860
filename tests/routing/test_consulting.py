"""Consulting: nobody is asked twice or against the rules, money and thrift only ever deter, and there is an end."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.consulting import Consultation, School
from routing.readings import Flags
from routing.recruiters.conclave import Conclave
from routing.recruiters.contract import Heard
from routing.slate import Choice
from routing.teaching import Trust, untrusting
from routing.voting import HEARD_CLUES, Hearing, untaught
from tests.routing.schooled import NAMES, asked, reading, schooling
from tests.routing.voted import scenes

Case = tuple[Consultation, Hearing]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Return queries half way through their consultation."""
    scene = draw(scenes(crowd=3.0))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    shape = scene.quality.shape
    own, others = rng.normal(0, 0.1, (shape[1], HEARD_CLUES)), rng.normal(0, 0.1, (1, HEARD_CLUES))
    trust = Trust(own, others[0], rng.uniform(0, 0.3, shape[1:]))
    school = School(scene.voting, trust, np.zeros((shape[1], HEARD_CLUES - 3)), comparable=draw(st.booleans()))
    price, open_to = rng.uniform(0, 5, shape), rng.random(shape) < 0.7
    thrift = draw(st.sampled_from([0.0, 0.05, 1.0]))
    return Consultation(school, scene.readings, scene.quality, price, open_to, thrift), scene.hearing


def askable(one: Consultation, hearing: Hearing) -> Flags:
    return one.open_to & ~hearing.heard


def plain(quality: list[float], *, comparable: bool = True, thrift: float = 0.0, spread: float = 0.1) -> Consultation:
    """Return the consultation of one query with four options, in which every call costs as much."""
    count = len(quality)
    trust = replace(untrusting(count), spread=np.full(count, spread))
    school = School(untaught(count), trust, np.zeros((count, HEARD_CLUES - 3)), comparable=comparable)
    everybody = np.ones((1, count), bool)
    return Consultation(school, reading(0), np.array([quality]), np.ones((1, count)), everybody, thrift)


def heard(*said: int | None) -> Hearing:
    """Return the hearing of one query: the answer of each expert, or nothing for one that was not asked."""
    asked_of = np.array([[one is not None for one in said]])
    numbers = np.array([[-1 if one is None else one for one in said]])
    return Hearing(asked_of, numbers, np.zeros((1, len(said), HEARD_CLUES)))


@given(cases())
def test_whoever_was_heard_or_may_not_be_asked_is_never_worth_asking(case: Case) -> None:
    one, hearing = case
    worth = one.worth(hearing)

    assert np.array_equal(worth == -np.inf, ~askable(one, hearing))
    assert np.isfinite(worth[askable(one, hearing)]).all()


@given(cases(), st.floats(0, 2))
def test_more_thrift_never_makes_a_vote_worth_more(case: Case, more: float) -> None:
    one, hearing = replace(case[0], school=replace(case[0].school, comparable=True)), case[1]

    assert (replace(one, thrift=one.thrift + more).worth(hearing) <= one.worth(hearing) + 1e-9).all()


@given(cases(), st.floats(0, 10), st.integers(0, 4))
def test_a_dearer_call_is_never_worth_more(case: Case, more: float, at: int) -> None:
    one, hearing = case
    column = at % one.quality.shape[1]
    price = one.price.copy()
    price[:, column] += more

    assert (replace(one, price=price).worth(hearing)[:, column] <= one.worth(hearing)[:, column] + 1e-9).all()


@given(cases())
def test_belief_is_a_chance_and_nothing_before_anybody_was_heard(case: Case) -> None:
    one, hearing = case
    thought = one.standing(hearing)

    assert ((thought.belief >= 0) & (thought.belief <= 1 + 1e-9)).all()
    assert not thought.belief[~hearing.heard.any(axis=1)].any()


@given(cases())
def test_the_leading_answer_was_given_by_somebody_heard(case: Case) -> None:
    one, hearing = case
    thought = one.standing(hearing)

    for row in np.flatnonzero(thought.belief > 0):
        at = int(thought.leading[row])
        assert (hearing.said[row] == at).any() if one.school.comparable else hearing.heard[row, at]


@given(cases())
def test_looks_are_chances_and_before_any_reply_they_are_what_was_foreseen(case: Case) -> None:
    one, hearing = case
    found = one.school.looks(one.quality, hearing)

    nobody = ~hearing.heard.any(axis=1)
    assert ((found >= 0) & (found <= 1)).all()
    assert found[nobody] == pytest.approx(one.quality[nobody])


@pytest.mark.parametrize("comparable", [True, False])
def test_the_best_expert_is_asked_first_when_all_cost_the_same(comparable: bool) -> None:
    worth = plain([0.3, 0.8, 0.6], comparable=comparable).worth(heard(None, None, None))

    assert worth[0].argmax() == 1


def test_where_two_agree_another_voice_is_worth_little_and_where_they_differ_much() -> None:
    agreed = plain([0.9, 0.9, 0.8]).worth(heard(0, 0, None))[0, 2]
    split = plain([0.6, 0.6, 0.8]).worth(heard(0, 1, None))[0, 2]

    assert split > agreed + 0.1


def test_a_cheap_reply_that_looks_well_makes_a_dear_one_not_worth_its_price() -> None:
    one = plain([0.7, 0.8], comparable=False, thrift=0.3)
    one.school.trust.own[0, 0] = 0.2
    good, poor = heard(0, None), heard(0, None)
    good.clues[0, 0, 0], poor.clues[0, 0, 0] = 1.0, -3.0

    assert one.worth(good)[0, 1] < 0 < one.worth(poor)[0, 1]


def test_an_expert_without_lessons_weighs_as_a_usual_one_and_its_looks_say_nothing() -> None:
    school = schooling().school
    some = school.among(np.array([2, -1]))

    assert some.voting.own == pytest.approx([school.voting.own[2], school.voting.own.mean()])
    assert np.isnan(some.usual[1]).all()
    assert not some.trust.own[1].any()
    assert some.trust.spread[1] == 0


@cache
def recruiter() -> Conclave:
    """Return the default recruiter with a vote of which the first voice says little: others are worth hearing."""
    taught = schooling()
    return Conclave(replace(taught, school=replace(taught.school, voting=replace(untaught(4), crowd=1.0))))


def consulted(answers: Sequence[int], *, k: int = 4, stop_at: float = 1.0, thrift: float = 0.0) -> list[int]:
    """Return who is asked, by place, when everybody says what is given."""
    slate = replace(asked(0, k=k, thrift=thrift), stop_at=stop_at)
    told: list[Heard] = []
    choice: Choice | None = recruiter().recruit(slate, random.Random(0))
    while choice is not None:
        at = NAMES.index(choice.panel[0].expert)
        told.append(Heard(at, answers[at], np.zeros(HEARD_CLUES)))
        choice = recruiter().more(slate, told, random.Random(0))
    return [one.at for one in told]


@given(st.lists(st.integers(-1, 3), min_size=4, max_size=4), st.integers(1, 4), st.sampled_from([0.0, 0.02, 0.3]))
@settings(max_examples=60)
def test_no_more_than_k_are_asked_and_nobody_twice(answers: list[int], k: int, thrift: float) -> None:
    places = consulted(answers, k=k, thrift=thrift)

    assert 1 <= len(places) <= k
    assert len(set(places)) == len(places)


def test_it_ends_when_enough_is_believed_or_nobody_is_worth_the_price() -> None:
    split = (0, 1, 2, 3)

    assert len(consulted(split)) > 1
    assert len(consulted(split, stop_at=0.3)) == 1
    assert len(consulted(split, thrift=5.0)) == 1
