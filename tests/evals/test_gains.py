"""What a recruiter gains: worked by hand, and lawful against its references."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from evals.routing.gains import best_single, cost_save, imp_max, imp_rand, oracle, oracle_gap, perf_gain, random_expert
from routing.profiles.table import Numbers

NAN = math.nan
# Means: 3/4, 2/4, and 1/3 of the three questions that the last expert was asked.
OUTCOMES = np.array([[1, 0, 1], [1, 1, 0], [0, 1, 0], [1, 0, NAN]])
COSTS = np.array([[4, 1, 2], [4, 1, 2], [4, 1, 2], [4, 1, NAN]])
GRADES = st.sampled_from([0.0, 0.25, 0.5, 1.0])
full = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8), elements=GRADES)


def test_the_random_expert_is_the_mean_of_those_asked() -> None:
    # By question 2/3, 2/3, 1/3, 1/2: their mean is 13/24, and 3/4 is 18/13 of it.
    assert imp_rand(np.array([1.0, 1.0, 0.0, 1.0]), OUTCOMES) == pytest.approx(100 * 5 / 13)


def test_the_best_single_expert_is_the_reference_of_imp_max() -> None:
    assert best_single(OUTCOMES) == 0
    assert imp_max(np.array([1.0, 1.0, 0.0, 1.0]), OUTCOMES) == 0
    assert imp_max(np.ones(4), OUTCOMES) == pytest.approx(100 / 3)


def test_the_oracle_answers_all_four() -> None:
    assert oracle_gap(np.array([1.0, 1.0, 0.0, 1.0]), OUTCOMES) == pytest.approx(25)
    assert oracle_gap(np.ones(4), OUTCOMES) == 0


def test_an_expert_is_compared_on_the_questions_it_was_asked() -> None:
    accuracy = np.array([1.0, 0.0, 0.0, 1.0])

    # The last expert has 1/3 on the first three questions, and so has the recruiter there.
    assert perf_gain(accuracy, OUTCOMES, best=2) == pytest.approx(0)


def test_the_best_setting_of_a_sweep_is_its_perf_gain() -> None:
    sweep = np.array([[1, 0, 0, 1], [1, 1, 1, 1], [1, 1, 0, 1]], np.float64)

    assert perf_gain(sweep, OUTCOMES, best=0) == pytest.approx(100 / 3)


def test_only_settings_as_good_as_the_single_expert_save_cost() -> None:
    sweep = np.array([[1, 0, 0, 1], [1, 1, 1, 1], [1, 1, 0, 1]], np.float64)
    spent = np.array([[1.0] * 4, [3.5] * 4, [2.0, 2.0, 4.0, 4.0]])

    # The first is cheapest but answers 2/4 where the expert has 3/4; the last costs 3 a question, the expert 4.
    assert cost_save(sweep, spent, OUTCOMES, COSTS, best=0) == pytest.approx(25)
    assert math.isnan(cost_save(sweep[0], spent[0], OUTCOMES, COSTS, best=0))


def test_a_reference_that_is_never_right_leaves_the_gain_undefined() -> None:
    assert math.isnan(imp_rand(np.ones(2), np.zeros((2, 3))))
    assert math.isnan(perf_gain(np.ones(2), np.zeros((2, 3)), best=1))


def test_an_expert_that_was_asked_one_lucky_question_is_not_the_best() -> None:
    outcomes = np.array([[1, NAN], [0, 1], [1, NAN], [0, NAN]])

    assert best_single(outcomes) == 0


def test_no_expert_with_half_of_the_questions_is_an_error() -> None:
    with pytest.raises(ValueError, match="50%"):
        best_single(np.array([[1, NAN], [NAN, 1], [NAN, NAN]]))


@given(full, st.data())
def test_no_choice_of_experts_passes_the_oracle(outcomes: Numbers, data: st.DataObject) -> None:
    rows, columns = outcomes.shape
    chosen = [data.draw(st.integers(0, columns - 1)) for _ in range(rows)]

    gap = oracle_gap(outcomes[np.arange(rows), chosen], outcomes)

    assert math.isnan(gap) or -1e-9 <= gap <= 100


@given(full)
def test_each_reference_gains_nothing_over_itself(outcomes: Numbers) -> None:
    best = outcomes[:, best_single(outcomes)]

    gains = [
        imp_rand(random_expert(outcomes), outcomes),
        imp_max(best, outcomes),
        oracle_gap(oracle(outcomes), outcomes),
    ]

    assert all(math.isnan(gain) or abs(gain) < 1e-9 for gain in gains)
    assert best.mean() == pytest.approx(outcomes.mean(axis=0).max())
