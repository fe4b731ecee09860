"""Panels as large as the query deserves: empty seats won by null experts, and top-p."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.recruiters import top_p
from routing.recruiters.null_experts import NULL_SHARE, TEMPERATURE, NullExperts, null_level
from routing.recruiters.top_p import ENOUGH, TopP, temperature_of
from tests.routing.schooled import EAST, WEST, asked, lessons, panel, schooling, whys


@given(st.integers(1, 6), st.integers(0, 2**16))
def test_null_experts_win_their_share_of_the_seats_over_all_lessons(k: int, seed: int) -> None:
    quality = np.random.default_rng(seed).random((400, 6))

    level = null_level(quality, k)

    filled = np.minimum((quality >= level).sum(axis=1), k)
    assert 1 - filled.sum() / (400 * k) == pytest.approx(NULL_SHARE, abs=0.01)


def test_who_does_not_beat_an_empty_seat_is_not_asked() -> None:
    choice = NullExperts(schooling()).recruit(asked(EAST, k=4), random.Random(0))

    assert panel(choice) == ["east-dear", "east-cheap"]
    assert "where an empty seat is worth 0." in whys(choice)["west-dear"]


def test_the_weights_of_experts_and_empty_seats_add_up_to_one() -> None:
    slate = asked(EAST, k=2)
    choice = NullExperts(schooling()).recruit(slate, random.Random(0))

    scores = [seat.score for seat in (*choice.panel, *choice.passed)]
    level = null_level(schooling().foreseen, 2)
    odds = np.exp(level / TEMPERATURE) / np.exp(choice.panel[0].expected_quality / TEMPERATURE)
    assert sum(scores) + 2 * odds * choice.panel[0].score == pytest.approx(1.0)


def test_when_every_seat_stays_empty_the_cheapest_is_asked() -> None:
    choice = NullExperts(schooling()).recruit(asked(EAST, k=4, thrift=50.0), random.Random(0))

    assert panel(choice) == ["east-cheap"]


def test_top_p_asks_the_fewest_whose_chances_exceed_p() -> None:
    even, sure = TopP(schooling(), temperature=10.0), TopP(schooling(), temperature=0.01)

    wide = even.recruit(asked(EAST, k=4), random.Random(0))
    narrow = sure.recruit(asked(EAST, k=4), random.Random(0))

    # Of four nearly even chances two exceed 0.4; nothing is normalised anew.
    assert len(wide.panel) == 2
    assert sum(seat.score for seat in wide.panel) > ENOUGH >= wide.panel[0].score
    assert len(narrow.panel) == 1


def test_top_p_is_bounded_by_the_seats() -> None:
    assert len(TopP(schooling(), temperature=10.0).recruit(asked(WEST, k=1), random.Random(0)).panel) == 1


def test_the_temperature_is_low_where_foresight_tells_and_high_where_it_does_not() -> None:
    taught = lessons()
    telling = np.where(taught.right > 0, 0.9, 0.1)
    noise = np.random.default_rng(2).random(taught.right.shape)

    assert temperature_of(taught, telling) < 0.2
    assert temperature_of(taught, noise) > 1.0


def test_lessons_nobody_got_right_leave_the_temperature_as_it_was() -> None:
    taught = lessons()

    assert temperature_of(taught.take(np.flatnonzero(taught.right.sum(axis=1) < 0)), np.zeros((0, 4))) == (
        top_p.TEMPERATURE
    )
