"""The paper's recruiter against sums done by hand, and its draws against their chances."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.recruiters import symbolic
from tests.routing.pool import profile, profile_set, slate

PROFILES = profile_set(
    profile("a", algebra=(8, 2), geometry=(3, 1), cooking=(1, 3)),  # +6 +2 -2, in all +6
    profile("b", algebra=(4, 2), geometry=(5, 0), cooking=(2, 0)),  # +2 +5 +2, in all +9
    profile("c", algebra=(1, 5), geometry=(2, 2), cooking=(6, 0)),  # -4  0 +6, in all +2
)
BOTH = {"algebra": 0.9, "geometry": 0.4}


def test_weights_are_suitability_times_competency() -> None:
    # S = 8, 7, -4. G goes with 6^2, 9^2, 2^2. So the weights are 8 * 36 = 288 and 7 * 81 = 567, and c is out.
    probabilities = symbolic.probabilities_of(slate(PROFILES, BOTH))

    assert probabilities.tolist() == pytest.approx([288 / 855, 567 / 855, 0.0])


def test_a_negative_total_shifts_every_total_above_zero() -> None:
    # Totals 6, 9, -3 are shifted by 4 to 10, 13, 1; squares over their sum.
    competency = symbolic.competency(np.array([6.0, 9.0, -3.0]))

    assert competency.tolist() == pytest.approx([100 / 270, 169 / 270, 1 / 270])


def test_without_anyone_suitable_all_count_after_a_shift() -> None:
    # S = -1, 0, -3 is shifted by 4 to 3, 4, 1. Totals 1, 2, -1 are shifted by 2 to 3, 4, 1: squares 9, 16, 1.
    profiles = profile_set(
        profile("a", law=(1, 2), art=(2, 0)), profile("b", law=(2, 2), art=(2, 0)), profile("c", law=(0, 3), art=(2, 0))
    )

    probabilities = symbolic.probabilities_of(slate(profiles, {"law": 0.8}))

    assert probabilities.tolist() == pytest.approx([27 / 92, 64 / 92, 1 / 92])


def test_profiles_that_know_nothing_give_equal_chances() -> None:
    probabilities = symbolic.probabilities_of(slate(profile_set(profile("a"), profile("b")), {"law": 0.8}))

    assert probabilities.tolist() == pytest.approx([0.5, 0.5])


def test_one_expert_may_hold_several_seats() -> None:
    panels = [symbolic.recruit(slate(PROFILES, BOTH), random.Random(seed)).panel for seed in range(20)]

    assert all(len(panel) == 3 for panel in panels)
    assert any(len({seat.expert for seat in panel}) < 3 for panel in panels)


def test_without_skills_the_panel_is_three_different_experts_at_random() -> None:
    panels = [symbolic.recruit(slate(PROFILES, {}), random.Random(seed)).panel for seed in range(20)]

    assert all({seat.expert for seat in panel} == {"a", "b", "c"} for panel in panels)
    assert len({tuple(seat.expert for seat in panel) for panel in panels}) > 1


def test_draws_come_as_often_as_their_chances_say() -> None:
    chances = np.array([0.1, 0.0, 0.6, 0.3])
    drawn = Counter(symbolic.draw(chances, 20_000, random.Random(7)))

    # Four standard deviations of a binomial: one run in ten thousand would fail, and this one is seeded.
    for at, chance in enumerate(chances):
        assert abs(drawn[at] - 20_000 * chance) <= 4 * (20_000 * chance * (1 - chance)) ** 0.5


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=40), st.integers(0, 2**32), st.integers(1, 20))
def test_no_draw_is_impossible(weights: list[float], seed: int, k: int) -> None:
    chances = np.array(weights) + (0 if any(weights) else 1)

    drawn = symbolic.draw(chances / chances.sum(), k, random.Random(seed))

    assert len(drawn) == k
    assert all(chances[at] > 0 for at in drawn)


def test_every_seat_says_what_it_rests_on() -> None:
    choice = symbolic.recruit(slate(PROFILES, BOTH), random.Random(1))

    whys = {str(seat.expert): seat.why for seat in (*choice.panel, *choice.passed)}
    assert whys["a"] == "chance 0.34 a seat: net +8 on algebra and geometry, +6 in all (profile 7f3a), free"
    assert whys["c"] == "chance 0.00 a seat: net -4 on algebra and geometry, +2 in all (profile 7f3a), free"
