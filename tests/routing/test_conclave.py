"""The default recruiter: one expert after another, best value first, and the whole panel to whoever asks for one."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from core.money import Micros
from routing.recruiters import panel as at_once
from routing.recruiters.conclave import Conclave
from routing.recruiters.contract import Heard
from routing.slate import Choice, Slate
from routing.voting import HEARD_CLUES
from tests.routing.schooled import EAST, NAMES, WEST, asked, expected, panel, schooling, whys

RNG = random.Random(0)


def recruiter(learned: bool = True) -> Conclave:
    return Conclave(schooling() if learned else None)


def said(at: int, answer: int) -> Heard:
    return Heard(at, answer, np.zeros(HEARD_CLUES))


def after(slate: Slate, *heard: Heard) -> Choice | None:
    return recruiter().more(slate, heard, RNG)


@pytest.mark.parametrize(("cluster", "name"), [(EAST, "east-dear"), (WEST, "west-dear")])
def test_the_best_expert_for_the_question_is_heard_first_when_money_does_not_count(cluster: int, name: str) -> None:
    assert panel(recruiter().recruit(asked(cluster, k=3), RNG)) == [name]


def test_thrift_begins_with_whoever_is_nearly_as_good_and_much_cheaper() -> None:
    assert panel(recruiter().recruit(asked(EAST, k=3, thrift=0.5), RNG)) == ["east-cheap"]


def test_one_expert_is_asked_at_a_time_and_the_rest_wait_in_the_order_of_their_worth() -> None:
    choice = recruiter().recruit(asked(EAST, k=3), RNG)

    assert len(choice.panel) == 1
    assert [seat.score for seat in choice.passed] == sorted((seat.score for seat in choice.passed), reverse=True)


def test_whoever_is_far_behind_is_passed_over_and_told_so() -> None:
    reasons = whys(recruiter().recruit(asked(EAST, k=3), RNG))

    assert reasons["west-cheap"].startswith("far behind the best")
    assert not reasons["east-cheap"].startswith("far behind")


def test_a_fixed_number_of_experts_is_chosen_at_once_as_the_panel_does() -> None:
    slate = replace(asked(EAST, k=2), stop_at=1.01)

    assert recruiter().recruit(slate, RNG) == at_once.recruit(slate, RNG)
    assert after(slate, said(0, 1)) is None


def test_nobody_more_is_asked_once_belief_reaches_the_mark() -> None:
    slate = replace(asked(EAST, k=4), stop_at=0.5)
    thought = recruiter().thought(slate, [said(1, 2)])

    assert float(thought.belief[0]) >= 0.5
    assert after(slate, said(1, 2)) is None


def test_two_who_differ_are_followed_by_no_more_than_the_seats_there_are() -> None:
    assert after(replace(asked(EAST, k=2), stop_at=1.0), said(0, 1), said(1, 2)) is None


def test_whoever_was_heard_has_no_second_place() -> None:
    slate = replace(asked(EAST, "east-cheap", "east-dear", k=2), stop_at=1.0)
    choice = after(slate, said(0, -1))

    assert choice is not None
    assert panel(choice) == ["east-dear"]
    assert "east-cheap" not in expected(choice)


def test_what_was_spent_counts_against_the_budget() -> None:
    slate = replace(asked(EAST, "east-cheap", "east-dear", k=2, budget=450), stop_at=1.0)

    assert after(slate, said(0, -1)) is None
    assert after(replace(slate, budget=Micros(500)), said(0, -1)) is not None


def test_with_nothing_learned_the_profile_decides() -> None:
    choice = recruiter(learned=False).recruit(asked(None, k=3), RNG)

    assert panel(choice) == ["east-dear"]
    assert set(expected(choice)) == set(NAMES)


def test_the_answer_of_the_better_expert_leads() -> None:
    thought = recruiter().thought(asked(EAST, k=4), [said(1, 2), said(3, 0)])

    assert int(thought.leading[0]) == 2
