"""Bootstrap intervals: as wide as theory says, paired, within splits, and the same for the same seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.routing.uncertainty import _CELLS, _resampled, difference_interval, mean_interval
from routing.profiles.table import Numbers

NAN = math.nan
values = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=1, max_size=20).map(np.array)


def rng(seed: int = 7) -> np.random.Generator:
    return np.random.default_rng(seed)


def rights(count: int, of: int) -> Numbers:
    return (np.arange(of) < count).astype(np.float64)


def test_an_interval_is_as_wide_as_the_normal_one() -> None:
    # 300 right of 1,000: the standard error is sqrt(0.3 x 0.7 / 1,000) = 0.0145, and 1.96 of it 0.0284.
    found = mean_interval(rights(300, 1_000), rng(), resamples=10_000)

    assert found.mean == pytest.approx(0.3)
    assert found.low == pytest.approx(0.3 - 0.0284, abs=0.002)
    assert found.high == pytest.approx(0.3 + 0.0284, abs=0.002)


def test_a_lower_level_is_a_narrower_interval() -> None:
    wide, narrow = (mean_interval(rights(300, 1_000), rng(), level=level) for level in (0.95, 0.5))

    assert wide.low < narrow.low < narrow.high < wide.high


def test_a_difference_is_paired_by_question() -> None:
    theirs = rng().uniform(0.0, 0.8, 200)
    apart = mean_interval(theirs, rng())

    found = difference_interval(theirs + 0.1, theirs, rng())

    # Alone, the mean is known to some 0.06; but every single question is better by the same.
    assert apart.high - apart.low > 0.05
    assert [found.low, found.mean, found.high] == pytest.approx([0.1] * 3)


def test_each_split_counts_the_same() -> None:
    assert mean_interval([np.zeros(10), np.ones(1_000)], rng()).mean == 0.5


def test_questions_are_drawn_within_their_split() -> None:
    found = mean_interval([np.zeros(5), np.ones(5)], rng())

    assert (found.low, found.high) == (0.5, 0.5)


def test_two_splits_know_more_than_one() -> None:
    one, two = (mean_interval([rights(300, 1_000)] * splits, rng()) for splits in (1, 2))

    assert two.high - two.low == pytest.approx((one.high - one.low) / math.sqrt(2), rel=0.1)


def test_a_question_that_was_not_measured_is_left_out() -> None:
    assert mean_interval(np.array([1.0, NAN, 0.0]), rng()).mean == 0.5
    assert difference_interval(np.array([1.0, NAN, 1.0]), np.array([0.0, 0.0, NAN]), rng()).mean == 1


def test_nothing_measured_is_refused() -> None:
    for unknown in (np.array([NAN]), [np.ones(2), np.array([])], []):
        with pytest.raises(ValueError, match="measured"):
            mean_interval(unknown, rng())


def test_pairs_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="same questions"):
        difference_interval(np.ones(3), np.ones(1), rng())


def test_a_large_set_is_drawn_in_blocks_to_the_last_resample() -> None:
    count = _CELLS // 3

    assert _resampled(np.ones(count), rng(), 7).tolist() == [1] * 7


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    draws = rng()
    found = [mean_interval((draws.random(60) < 0.4).astype(np.float64), draws, resamples=400) for _ in range(400)]

    assert 0.91 <= np.mean([one.low <= 0.4 <= one.high for one in found]) <= 0.98


@given(values, st.integers(0, 1_000))
def test_an_interval_stays_within_the_values_and_repeats_by_seed(some: Numbers, seed: int) -> None:
    found = mean_interval(some, rng(seed), resamples=200)

    assert some.min() <= found.low <= found.high <= some.max()
    assert found == mean_interval(some, rng(seed), resamples=200)


@given(values)
def test_nothing_differs_from_itself(some: Numbers) -> None:
    found = difference_interval(some, some, rng(), resamples=50)

    assert (found.low, found.mean, found.high) == (0, 0, 0)
