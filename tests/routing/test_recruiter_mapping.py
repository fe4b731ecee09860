"""The exact mapping of categories to experts, against looking at every mapping there is."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.readings import Numbers
from routing.recruiters.mapping import by_program, by_subsets, mapped

Problem = tuple[Numbers, Numbers, Numbers, float]


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    categories, experts = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    cells = st.integers(0, 20).map(lambda value: value / 20)
    quality = np.array([[draw(cells) for _ in range(experts)] for _ in range(categories)])
    weights = np.array([draw(cells) for _ in range(categories)])
    sizes = np.array([float(draw(st.integers(1, 9))) for _ in range(experts)])
    return quality, weights, sizes, float(draw(st.integers(int(sizes.min()), 30)))


def brute_force(quality: Numbers, weights: Numbers, sizes: Numbers, budget: float) -> float:
    categories, experts = quality.shape
    return max(
        float(weights @ quality[np.arange(categories), list(mapping)])
        for mapping in product(range(experts), repeat=categories)
        if sizes[list(set(mapping))].sum() <= budget
    )


@given(problems())
@settings(deadline=None)
def test_no_mapping_within_the_budget_is_worth_more(problem: Problem) -> None:
    quality, weights, sizes, budget = problem

    found = mapped(*problem)

    assert found.worth == pytest.approx(brute_force(*problem))
    assert sizes[np.unique(found.experts)].sum() <= budget
    assert weights @ quality[np.arange(len(quality)), found.experts] == pytest.approx(found.worth)


@given(problems())
@settings(max_examples=50, deadline=None)
def test_the_integer_program_finds_as_much_as_looking_at_all_sets(problem: Problem) -> None:
    quality, weights, sizes, budget = problem
    fits = np.flatnonzero(sizes <= budget)

    worths = []
    for solve in (by_subsets, by_program):
        kept = fits[solve(quality[:, fits], weights, sizes[fits], budget)]
        assert sizes[kept].sum() <= budget
        worths.append(float(weights @ quality[:, kept].max(axis=1)))

    assert worths[0] == pytest.approx(worths[1])


def test_many_experts_are_mapped_by_the_program() -> None:
    rng = np.random.default_rng(3)
    quality, sizes = rng.random((6, 25)), rng.integers(1, 20, 25).astype(np.float64)

    found = mapped(quality, np.ones(6), sizes, 30.0)

    assert sizes[np.unique(found.experts)].sum() <= 30
    assert found.worth >= max(quality[:, at].sum() for at in range(25))


def test_without_a_limit_each_category_has_its_best_expert() -> None:
    quality = np.array([[0.9, 0.1, 0.2], [0.3, 0.8, 0.1], [0.5, 0.6, 0.7]])

    assert mapped(quality, np.ones(3), np.ones(3), np.inf).experts.tolist() == [0, 1, 2]


def test_a_generalist_wins_where_two_specialists_do_not_fit() -> None:
    quality = np.array([[0.9, 0.1, 0.7], [0.1, 0.9, 0.7]])

    assert mapped(quality, np.ones(2), np.array([2.0, 2.0, 3.0]), 3.0).experts.tolist() == [2, 2]


def test_a_budget_nobody_fits_into_is_refused_with_the_least_that_would_do() -> None:
    with pytest.raises(ValueError, match="no expert fits into 1: the smallest takes 2"):
        mapped(np.ones((1, 2)), np.ones(1), np.array([2.0, 3.0]), 1.0)
