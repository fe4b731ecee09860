"""Swiss contests: small ones worked out in full, and laws of all of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evals.routing.swiss import play, sensitivity, win_tensor

FOUR = (4.0, 3.0, 2.0, 1.0)
grades = st.sampled_from([0.0, 0.5, 1.0, float("nan")])


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_tie_is_half_a_win_and_no_score_loses() -> None:
    wins = win_tensor(np.array([[0.7], [0.7], [0.2], [float("nan")]]))[:, :, 0]

    assert wins[0].tolist() == [0.5, 0.5, 1, 1]
    assert wins[2].tolist() == [0, 0, 0.5, 1]
    assert wins[3].tolist() == [0, 0, 0, 0.5]


def test_the_odd_one_out_has_no_win() -> None:
    # One of three sits out at random: the best wins when it plays, the second when it meets the third.
    found = play({"only": (3.0, 2.0, 1.0)}, rng(), contests=20_000)

    assert found.expected == pytest.approx([2 / 3, 1 / 3, 0], abs=0.02)


def test_two_rounds_of_four_always_end_the_same() -> None:
    # Winners meet winners and losers losers: whoever was paired first, the middle two win exactly once.
    found = play({"basic": FOUR, "advanced": FOUR}, rng(), contests=200)

    assert found.expected.tolist() == [2, 1, 1, 0]
    assert found.errors.tolist() == [0, 0, 0, 0]
    assert found.order == ("basic", "advanced")


def test_who_dropped_out_wins_no_more() -> None:
    # Both losers drop out after round one. The second meets the best first in a third of the contests, the third meets
    # the fourth in a third; in round two the best wins.
    found = play({"basic": FOUR, "advanced": FOUR}, rng(), removed=2, contests=20_000)

    assert found.expected == pytest.approx([2, 2 / 3, 1 / 3, 0], abs=0.02)


def test_when_the_lowest_bucket_is_used_up_the_next_one_follows() -> None:
    # Three of four drop out: both losers, then one of the two winners; the last has nobody to meet.
    for removed in (3, 10):
        found = play({"basic": FOUR, "advanced": FOUR}, rng(), removed=removed, contests=5_000)

        assert found.expected == pytest.approx([1, 2 / 3, 1 / 3, 0], abs=0.03)


def test_equals_share_every_round() -> None:
    found = play({"a": (1.0, 1.0), "b": (2.0, 2.0), "c": (0.0, 0.0)}, rng(), contests=50)

    assert found.expected.tolist() == [1.5, 1.5]


def test_the_order_of_the_rounds_matters() -> None:
    early, late = (4.0, 3.0, 2.0, 1.0), (1.0, 2.0, 3.0, 4.0)

    forward = play({"early": early, "late": late}, rng(), removed=2)
    backward = play({"late": late, "early": early}, rng(), removed=2)

    assert forward.expected[0] == pytest.approx(backward.expected[3], abs=0.05)
    assert forward.expected[0] > backward.expected[0] + 0.5


def test_a_specialist_of_the_late_rounds_fails_with_the_first_removals() -> None:
    # The last model loses the first round and wins the other two; with two removed it never gets there.
    scores = {"one": FOUR, "two": (3.0, 2.0, 1.0, 4.0), "three": (3.0, 2.0, 1.0, 4.0)}

    found = sensitivity(scores, rng(), removed=(0, 1, 2))

    assert found.expected.shape == (3, 4)
    assert found.order == ("one", "two", "three")
    assert found.slopes[3] < -0.5
    assert found.slopes[3] == found.slopes.min()
    assert found.slopes[3] == pytest.approx((found.expected[2, 3] - found.expected[0, 3]) / 2)


def test_one_level_has_no_slope() -> None:
    with pytest.raises(ValueError, match="slope"):
        sensitivity({"only": FOUR}, rng(), removed=(1, 1))


def test_a_seed_repeats_itself() -> None:
    first, again, other = (play({"x": FOUR[:3]}, rng(seed), contests=100).expected for seed in (1, 1, 2))

    assert first.tolist() == again.tolist() != other.tolist()


@settings(max_examples=50)
@given(
    st.lists(st.lists(grades, min_size=5, max_size=5), min_size=1, max_size=4), st.integers(0, 5), st.integers(0, 99)
)
def test_no_more_is_won_than_there_are_meetings(table: list[list[float]], removed: int, seed: int) -> None:
    scores = {str(at): row for at, row in enumerate(table)}

    found = play(scores, rng(seed), removed=removed, contests=50)

    assert ((found.expected >= 0) & (found.expected <= len(table))).all()
    # Five models are two meetings a round at the most, and exactly two in the first.
    assert 2 - 1e-9 <= found.expected.sum() <= 2 * len(table) + 1e-9
