"""PGR, APGR and CPT: worked by hand, exact under ties, and one half for chance."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evals.routing.preference import apgr, cpt, pgr, pgr_curve
from routing.profiles.table import Numbers

WEAK = np.array([1.0, 0.0, 0.0, 0.0])
STRONG = np.array([1.0, 1.0, 1.0, 0.0])
# Called in the order first, second, fourth, third: they gain 0, 1, 0, 1 of the 2 that there are to gain.
SCORES = np.array([0.9, 0.8, 0.1, 0.5])


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Numbers, Numbers, Numbers]:
    """Scores with ties, and what a weak and a better strong expert reach."""
    count = draw(st.integers(1, 12))
    grades = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=count, max_size=count)
    scores, weak, strong = (np.array(draw(grades)) for _ in range(3))
    assume(strong.mean() > weak.mean())
    return scores, weak, strong


def test_the_curve_goes_through_what_the_calls_recover() -> None:
    curve = pgr_curve(SCORES, WEAK, STRONG)

    assert curve.shares == pytest.approx([0, 0.25, 0.5, 0.75, 1])
    assert curve.recovered == pytest.approx([0, 0, 0.5, 0.5, 1])


def test_apgr_is_the_area_below_the_curve() -> None:
    # A quarter each of the middles 0, 0.25, 0.5 and 0.75.
    assert apgr(pgr_curve(SCORES, WEAK, STRONG)) == pytest.approx(0.375)


@pytest.mark.parametrize(
    ("recovered", "share"),
    # 0.2 is two fifths up the second quarter, 0.5 the end of it, 0.8 three fifths up the last.
    [(0.0, 0.0), (0.2, 0.35), (0.5, 0.5), (0.8, 0.9), (1.0, 1.0)],
)
def test_cpt_interpolates_between_calls(recovered: float, share: float) -> None:
    assert cpt(pgr_curve(SCORES, WEAK, STRONG), recovered) == pytest.approx(share)


def test_cpt_is_where_a_curve_that_falls_first_reaches_the_value() -> None:
    # The calls gain 1, -1, 1: the curve is 0, 1, 0, 1 at the thirds.
    curve = pgr_curve(np.array([3.0, 2.0, 1.0]), np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 1.0]))

    assert cpt(curve, 0.8) == pytest.approx(0.8 / 3)


def test_cpt_counts_from_the_bottom_of_a_dip() -> None:
    # The calls gain -1, 1, 1: the curve is 0, -1, 0, 1 at the thirds, and at half of the gap in the middle of the last.
    curve = pgr_curve(np.array([3.0, 2.0, 1.0]), np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 1.0]))

    assert cpt(curve, 0.5) == pytest.approx(2.5 / 3)
    assert math.isnan(cpt(curve, 1.1))


def test_one_score_for_all_is_a_straight_line() -> None:
    curve = pgr_curve(np.zeros(4), WEAK, STRONG)

    assert apgr(curve) == pytest.approx(0.5)
    assert cpt(curve, 0.8) == pytest.approx(0.8)


@pytest.mark.parametrize("strong", [WEAK, WEAK[::-1], np.zeros(4)])
def test_without_a_better_strong_expert_nothing_is_defined(strong: Numbers) -> None:
    curve = pgr_curve(SCORES, WEAK, strong)

    assert math.isnan(apgr(curve))
    assert math.isnan(cpt(curve, 0.5))
    assert math.isnan(pgr(0.5, float(WEAK.mean()), float(strong.mean())))


def test_a_score_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not a number"):
        pgr_curve(np.array([0.1, math.nan, 0.2, 0.3]), WEAK, STRONG)


def test_ties_are_the_mean_over_all_their_orders() -> None:
    tied = np.array([2.0, 1.0, 1.0, 1.0])
    broken = [np.array([2.0, *order]) for order in permutations([0.1, 0.2, 0.3])]

    mean = np.mean([apgr(pgr_curve(scores, WEAK, STRONG)) for scores in broken])

    assert apgr(pgr_curve(tied, WEAK, STRONG)) == pytest.approx(mean)


@given(pairs())
def test_a_score_and_its_opposite_add_up_to_one_so_chance_has_one_half(pair: tuple[Numbers, Numbers, Numbers]) -> None:
    scores, weak, strong = pair

    forward, backward = pgr_curve(scores, weak, strong), pgr_curve(-scores, weak, strong)

    assert apgr(forward) + apgr(backward) == pytest.approx(1)


@given(pairs())
def test_calling_the_strong_expert_always_recovers_all_and_never_nothing(
    pair: tuple[Numbers, Numbers, Numbers],
) -> None:
    scores, weak, strong = pair
    curve = pgr_curve(scores, weak, strong)

    assert pgr(float(strong.mean()), float(weak.mean()), float(strong.mean())) == 1
    assert (curve.shares[0], curve.recovered[0]) == (0, 0)
    assert (curve.shares[-1], curve.recovered[-1]) == (pytest.approx(1), pytest.approx(1))


@given(pairs())
def test_no_score_beats_the_gain_itself(pair: tuple[Numbers, Numbers, Numbers]) -> None:
    scores, weak, strong = pair
    some, best = pgr_curve(scores, weak, strong), pgr_curve(strong - weak, weak, strong)

    assert apgr(best) >= apgr(some) - 1e-9
    assert all(cpt(best, part) <= cpt(some, part) + 1e-9 for part in (0.2, 0.5, 0.8))
