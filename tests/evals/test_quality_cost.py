"""Hulls, AIQ and distances: worked by hand, and nothing that asks one expert a question is above the oracle."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from evals.routing.quality_cost import aiq, hull, oracle_hull, pareto_distances, zero_router
from routing.profiles.table import Numbers

NAN = math.nan
UNIT = st.integers(0, 20).map(lambda twentieths: twentieths / 20)
points = st.lists(st.tuples(UNIT, UNIT), min_size=1, max_size=12).map(np.array)
# The third lies below the line of its neighbours, and the last is as good as the second for more.
COSTS = np.array([1.0, 2.0, 3.0, 4.0, 2.5])
QUALITIES = np.array([0.2, 0.6, 0.5, 0.7, 0.6])


@st.composite
def pools(draw: st.DrawFn) -> tuple[Numbers, Numbers]:
    """Outcomes and costs, [questions, experts]."""
    shape = draw(array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=6))
    return draw(arrays(np.float64, shape, elements=UNIT)), draw(arrays(np.float64, shape, elements=UNIT))


def test_a_hull_keeps_what_mixing_cannot_reach() -> None:
    front = hull(COSTS, QUALITIES)

    assert front.costs.tolist() == [1, 2, 4]
    assert front.qualities.tolist() == [0.2, 0.6, 0.7]
    assert front.quality_at(np.array([0.5, 1.5, 3.0, 9.0])) == pytest.approx([0, 0.4, 0.65, 0.7])


def test_a_corner_that_a_later_point_overtakes_is_dropped() -> None:
    assert hull(np.array([0.0, 1.0, 2.0]), np.array([0.0, 0.1, 1.0])).costs.tolist() == [0, 2]


def test_of_equal_costs_the_best_counts() -> None:
    front = hull(np.array([1.0, 1.0, 2.0]), np.array([0.3, 0.5, 0.4]))

    assert (front.costs.tolist(), front.qualities.tolist()) == ([1], [0.5])


@pytest.mark.parametrize(
    ("c_min", "c_max", "expected"),
    [
        (0.0, 5.0, 0.48),  # 0 up to the first point, then 0.4, 2 x 0.65, and 0.7 where it is flat: 2.4 over 5
        (1.5, 3.0, 0.875 / 1.5),  # half a unit of 0.5 on average, then a whole one of 0.625
        (4.0, 6.0, 0.7),
        (0.0, 1.0, 0.0),
        (0.0, 0.5, 0.0),
    ],
)
def test_aiq_is_the_mean_height_over_the_range(c_min: float, c_max: float, expected: float) -> None:
    assert aiq(hull(COSTS, QUALITIES), c_min, c_max) == pytest.approx(expected)


def test_a_range_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="c_max"):
        aiq(hull(COSTS, QUALITIES), 1.0, 1.0)


def test_the_zero_router_mixes_experts_by_their_means() -> None:
    outcomes = np.array([[0, 1, NAN], [1, 1, NAN], [0, NAN, NAN]])
    costs = np.array([[1, 3, NAN], [1, 5, NAN], [4, NAN, NAN]])

    # The first: 1/3 for 2 a question; the second: 1 for 4 on the two it was asked; the third was never asked.
    front = zero_router(outcomes, costs)

    assert front.costs == pytest.approx([2, 4])
    assert front.qualities == pytest.approx([1 / 3, 1])


def test_the_oracle_pays_more_only_where_it_helps() -> None:
    # Both answer the second question; only the dear one answers the first, and its price there buys one of two.
    front = oracle_hull(np.array([[0.0, 1.0], [1.0, 1.0]]), np.array([[1.0, 3.0], [1.0, 3.0]]))

    assert front.costs == pytest.approx([1, 2])
    assert front.qualities == pytest.approx([0.5, 1])


def test_the_distance_is_to_the_nearest_place_on_the_hull_of_the_others() -> None:
    # The corner (1, 0) of the unit square is sqrt(1/2) from its diagonal.
    assert pareto_distances(np.array([0.0, 5.0, 5.0]), np.array([0.2, 0.6, 0.2])) == pytest.approx(
        [0, 0, math.sqrt(0.5)]
    )
    # Scaled to (0, 0), (0.5, 1), (1, 0.5): the last is half a unit below the flat end.
    assert pareto_distances(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.5])) == pytest.approx([0, 0, 0.5])


def test_to_the_left_the_hull_ends_at_its_cheapest_point() -> None:
    # Half a unit straight below it; the line through both corners would come nearer on the left.
    assert pareto_distances(np.array([0.0, 1.0, 0.0]), np.array([0.5, 1.0, 0.0])) == pytest.approx([0, 0, 0.5])


def test_an_only_point_has_no_distance() -> None:
    assert pareto_distances(np.array([1.0]), np.array([0.5])).tolist() == [0]


@given(points)
def test_a_hull_rises_bends_down_and_has_no_point_above_it(cloud: Numbers) -> None:
    front = hull(cloud[:, 0], cloud[:, 1])
    slopes = np.diff(front.qualities) / np.diff(front.costs)

    assert (slopes > 0).all()
    assert (np.diff(slopes) < 1e-9).all()
    assert (front.quality_at(cloud[:, 0]) >= cloud[:, 1] - 1e-9).all()
    assert set(zip(front.costs, front.qualities, strict=True)) <= set(map(tuple, cloud.tolist()))


@given(pools(), st.data())
def test_no_recruiter_has_a_higher_aiq_than_the_oracle(pool: tuple[Numbers, Numbers], data: st.DataObject) -> None:
    outcomes, costs = pool
    rows, columns = outcomes.shape
    settings = st.lists(st.integers(0, columns - 1), min_size=rows, max_size=rows)
    sweep = np.array(data.draw(st.lists(settings, min_size=1, max_size=4)))
    best = oracle_hull(outcomes, costs)

    spent, reached = costs[np.arange(rows), sweep].mean(axis=1), outcomes[np.arange(rows), sweep].mean(axis=1)

    for other in (hull(spent, reached), zero_router(outcomes, costs)):
        assert aiq(best, 0.0, 1.2) >= aiq(other, 0.0, 1.2) - 1e-9
        assert (best.quality_at(other.costs + 1e-9) >= other.qualities - 1e-6).all()


@given(points)
def test_exactly_what_lies_below_the_hull_has_a_distance(cloud: Numbers) -> None:
    below = hull(cloud[:, 0], cloud[:, 1]).quality_at(cloud[:, 0]) > cloud[:, 1] + 1e-9

    distances = pareto_distances(cloud[:, 0], cloud[:, 1])

    assert ((distances > 1e-9) == below).all()
    assert ((distances >= 0) & (distances <= math.sqrt(2))).all()
