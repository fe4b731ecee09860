"""Calibration: worked by hand in both kinds of bins, and zero error for confidence that comes true."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.routing.calibration import Binning, brier, ece, reliability
from routing.profiles.table import Numbers

CONFIDENCES = np.array([0.9, 0.8, 0.3, 0.2, 0.25])
CORRECT = np.array([1.0, 0.0, 0.0, 0.0, 1.0])
binnings = st.sampled_from(Binning)


@st.composite
def answers(draw: st.DrawFn) -> tuple[Numbers, Numbers]:
    """Confidences and whether they were right, with no relation between them."""
    drawn = draw(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
    return np.array([stated for stated, _ in drawn]), np.array([float(right) for _, right in drawn])


@st.composite
def calibrated(draw: st.DrawFn) -> tuple[Numbers, Numbers]:
    """Groups of answers: in each, as many are right as its confidence says."""
    sizes = draw(st.lists(st.integers(1, 8), min_size=1, max_size=6))
    rights = [draw(st.integers(0, size)) for size in sizes]
    groups = list(zip(rights, sizes, strict=True))
    confidences = np.concatenate([np.full(size, right / size) for right, size in groups])
    return confidences, np.concatenate([(np.arange(size) < right).astype(np.float64) for right, size in groups])


def test_equal_width_bins_compare_means() -> None:
    # Below one half: mean 0.25, one of three right. Above: mean 0.85, one of two right.
    curve = reliability(CONFIDENCES, CORRECT, bins=2)

    assert curve.confidences == pytest.approx([0.25, 0.85])
    assert curve.accuracies == pytest.approx([1 / 3, 1 / 2])
    assert curve.counts.tolist() == [3, 2]
    # 3/5 of 1/12 and 2/5 of 0.35.
    assert ece(curve) == pytest.approx(0.05 + 0.14)


def test_quantile_bins_hold_about_as_many_each() -> None:
    # The median 0.3 begins the upper bin: 0.2 and 0.25 below, mean 0.225, one right; mean 2/3 above, one of three.
    curve = reliability(CONFIDENCES, CORRECT, bins=2, binning=Binning.QUANTILE)

    assert curve.counts.tolist() == [2, 3]
    assert curve.confidences == pytest.approx([0.225, 2 / 3])
    # 2/5 of 0.275 and 3/5 of 1/3.
    assert ece(curve) == pytest.approx(0.11 + 0.2)


def test_a_bin_has_its_lower_end_and_the_last_one_both() -> None:
    curve = reliability(np.arange(11) / 10, np.zeros(11))

    assert curve.counts.tolist() == [1] * 9 + [2]


def test_bins_without_answers_are_left_out() -> None:
    assert reliability(np.array([0.05, 0.95]), np.zeros(2)).counts.tolist() == [1, 1]


def test_equal_confidences_share_a_bin() -> None:
    curve = reliability(np.full(10, 0.5), np.ones(10), binning=Binning.QUANTILE)

    assert curve.counts.tolist() == [10]


def test_brier_is_the_mean_squared_difference() -> None:
    # 0.01, 0.64, 0.09, 0.04 and 0.5625 over 5.
    assert brier(CONFIDENCES, CORRECT) == pytest.approx(0.2685)


def test_without_answers_there_is_no_error() -> None:
    nothing = np.zeros(0)

    assert math.isnan(ece(reliability(nothing, nothing)))
    assert math.isnan(brier(nothing, nothing))


@pytest.mark.parametrize("stated", [-0.1, 1.1, math.nan])
def test_a_confidence_outside_its_range_is_refused(stated: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        reliability(np.array([0.5, stated]), np.ones(2))


@given(calibrated(), st.integers(1, 15), binnings)
def test_confidence_that_comes_true_has_no_error(pair: tuple[Numbers, Numbers], bins: int, binning: Binning) -> None:
    assert ece(reliability(*pair, bins=bins, binning=binning)) == pytest.approx(0)


@given(answers(), st.integers(1, 15), binnings)
def test_the_error_is_between_that_of_one_bin_and_one(
    pair: tuple[Numbers, Numbers], bins: int, binning: Binning
) -> None:
    confidences, correct = pair
    curve = reliability(confidences, correct, bins=bins, binning=binning)

    assert abs(confidences.mean() - correct.mean()) - 1e-9 <= ece(curve) <= 1
    assert curve.counts.sum() == len(confidences)


@given(answers())
def test_stating_the_outcome_is_the_best_score_and_its_opposite_the_worst(pair: tuple[Numbers, Numbers]) -> None:
    confidences, correct = pair

    assert 0 == brier(correct, correct) <= brier(confidences, correct) <= brier(1 - correct, correct) == 1
