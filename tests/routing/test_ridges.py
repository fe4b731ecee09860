"""Ridges: nothing is learned from noise, what is planted is found, and no row helps to predict itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from routing.readings import Numbers
from routing.ridges import FOLDS, folds, ridged

ROWS, FEATURES = 400, 6


def drawn(seed: int) -> tuple[Numbers, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(ROWS, FEATURES)), rng


@given(arrays(np.intp, st.integers(1, 60), elements=st.integers(0, 40)))
def test_every_row_is_held_out_once_and_its_group_with_it(groups: np.ndarray[tuple[int], np.dtype[np.intp]]) -> None:
    found = folds(groups)

    assert np.array_equal(sum(held.astype(int) for _, held in found), np.ones(len(groups)))
    for rest, held in found:
        assert not set(groups[rest].tolist()) & set(groups[held].tolist())
        assert np.array_equal(rest, ~held)


def test_noise_teaches_next_to_nothing() -> None:
    for seed in range(10):
        features, rng = drawn(seed)
        found = ridged(features, rng.normal(size=(ROWS, 3)), np.arange(ROWS))

        assert np.abs(found.weights).max() < 0.02
        assert found.held_out.std() < 0.05


def test_a_planted_line_is_found_among_noise() -> None:
    features, rng = drawn(1)
    planted = np.array([1.0, -0.5, 0, 0, 0, 0])
    target = np.stack([features @ planted + rng.normal(size=ROWS), rng.normal(size=ROWS)], axis=1)

    found = ridged(features, target, np.arange(ROWS))

    assert found.weights[:, 0] == pytest.approx(planted, abs=0.3)
    assert np.corrcoef(found.held_out[:, 0], target[:, 0])[0, 1] > 0.6
    assert np.abs(found.weights[:, 1]).max() < 0.02


def test_a_row_does_not_help_to_predict_itself_or_its_group() -> None:
    features, _ = drawn(2)
    groups = np.arange(ROWS) // 2
    target = (features @ np.arange(FEATURES))[:, None]
    before = ridged(features, target, groups).held_out

    # Every row of the first fold is said to be the opposite of what it is.
    held = groups % FOLDS == 0
    after = ridged(features, np.where(held[:, None], -target, target), groups).held_out
    assert np.corrcoef(before[held, 0], target[held, 0])[0, 1] > 0.99
    assert np.corrcoef(after[held, 0], target[held, 0])[0, 1] > 0.99


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_handful_of_rows_is_enough_to_say_nothing_wild(rows: int) -> None:
    features, rng = drawn(3)
    found = ridged(features[:rows], rng.normal(size=(rows, 2)), np.arange(rows))

    assert np.isfinite(found.weights).all()
    assert np.abs(found.weights).max() < 1


def test_features_that_never_vary_weigh_nothing() -> None:
    features, rng = drawn(4)
    features[:, 2] = 0.0

    weights = ridged(features, features @ np.ones((FEATURES, 1)) + rng.normal(size=(ROWS, 1)), np.arange(ROWS)).weights

    assert weights[2] == pytest.approx(0.0, abs=1e-9)
    assert np.isfinite(weights).all()
