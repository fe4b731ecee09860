"""Strong or weak: by a threshold calibrated on held-out lessons, or by price."""

from __future__ import annotations

import random

import pytest

from routing.recruiters import threshold
from routing.recruiters.threshold import Threshold
from tests.routing.schooled import EAST, WEST, asked, panel, reading, schooling, whys

PAIR = ("east-cheap", "west-dear")


def learned() -> Threshold:
    made = threshold.make(schooling())
    assert isinstance(made, Threshold)
    return made


def test_the_strong_one_is_asked_where_it_gains_and_the_weak_one_where_it_does_not() -> None:
    recruiter = learned()

    assert panel(recruiter.recruit(asked(WEST, *PAIR), random.Random(0))) == ["west-dear"]
    assert panel(recruiter.recruit(asked(EAST, *PAIR), random.Random(0))) == ["east-cheap"]


def test_strength_is_the_foreseen_gain_of_the_strong_over_the_weak() -> None:
    quality = schooling().foresight.quality(reading(WEST))[0]

    assert learned().strength(asked(WEST, *PAIR)) == pytest.approx(quality[3] - quality[0])


def test_half_of_the_held_out_lessons_reach_the_threshold_of_each_pair() -> None:
    foreseen, enough = schooling().foreseen, learned().enough

    for strong in range(4):
        for weak in {0, 1, 2, 3} - {strong}:
            gains = foreseen[:, strong] - foreseen[:, weak]
            assert (gains >= enough[strong, weak]).mean() == pytest.approx(threshold.SHARE, abs=0.02)


def test_with_thrift_the_gain_must_be_worth_the_difference_in_price() -> None:
    recruiter = learned()

    cheap = recruiter.recruit(asked(WEST, *PAIR, thrift=0.2), random.Random(0))
    dear = recruiter.recruit(asked(WEST, *PAIR, thrift=2.0), random.Random(0))

    assert (panel(cheap), panel(dear)) == (["west-dear"], ["east-cheap"])
    assert "a gain of +0." in whys(dear)["west-dear"]
    assert "is enough" in whys(dear)["west-dear"]


def test_a_weak_expert_is_a_reasonable_one() -> None:
    # The stranger is cheapest, but too often wrong beside the best for anyone to be sent there.
    choice = learned().recruit(asked(WEST, "east-cheap", "west-dear", "stranger", thrift=50.0), random.Random(0))

    assert panel(choice) == ["stranger"]
    assert whys(choice)["east-cheap"].startswith("neither the strong nor the weak one")


def test_a_budget_below_the_strong_one_makes_the_best_of_the_rest_strong() -> None:
    slate = asked(EAST, "east-cheap", "east-dear", "west-dear", budget=450, thrift=0.01)

    choice = learned().recruit(slate, random.Random(0))

    assert panel(choice) == ["east-dear"]
    assert whys(choice)["east-dear"].startswith("the strong one, foreseen 0.")


def test_without_lessons_the_stronger_by_counts_is_asked_unless_thrift_forbids() -> None:
    cold = threshold.make(None)

    assert panel(cold.recruit(asked(EAST, "stranger", "east-dear"), random.Random(0))) == ["east-dear"]
    assert panel(cold.recruit(asked(EAST, "stranger", "east-dear", thrift=9.0), random.Random(0))) == ["stranger"]
