"""An expert that has left its profile is named, with the direction; one that keeps to it hardly ever is."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.profiles.drift import QUIET, TOLERANCE, Direction, Seen, drift_of

rates = st.floats(0, 1)
streams = st.lists(st.builds(Seen, expected=rates, right=rates), max_size=60)
bits = st.lists(st.booleans(), max_size=60)


def stream(expected: float, true: float, count: int, seed: int) -> list[Seen]:
    """Verdicts on an expert whose profile says one rate and whose answers are right at another."""
    rng = random.Random(seed)
    return [Seen(expected, float(rng.random() < true)) for _ in range(count)]


def false_alarms(streams: Sequence[list[Seen]], quiet: int) -> int:
    """How many of the streams raise an alarm at any time."""
    return sum(any(drift_of(one[:end], quiet=quiet) for end in range(10, len(one) + 1, 10)) for one in streams)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_false_alarms_are_no_more_than_stated(rate: float) -> None:
    quiet, count = 200, 100
    streams = [stream(rate, max(0.0, rate - TOLERANCE), count, seed) for seed in range(60)]

    # Even at the edge of what is tolerated: a watch of 200 is false in 100 verdicts less often than every other time.
    assert false_alarms(streams, quiet) <= len(streams) * count / quiet


@pytest.mark.parametrize(
    ("expected", "true", "direction"),
    [
        (0.9, 0.6, Direction.WORSE),
        (0.7, 0.4, Direction.WORSE),
        (0.5, 0.8, Direction.BETTER),
        (0.2, 0.5, Direction.BETTER),
    ],
)
def test_a_change_of_three_tenths_is_found_within_two_hundred_verdicts(
    expected: float, true: float, direction: Direction
) -> None:
    for seed in range(20):
        found = drift_of(stream(expected, true, 200, seed))

        assert found is not None
        assert found.direction is direction
        assert found.right == pytest.approx(true, abs=0.2)


def test_a_change_is_found_after_a_long_time_of_none_and_dated_from_when_it_began() -> None:
    found = drift_of([*stream(0.8, 0.8, 2_000, 1), *stream(0.8, 0.4, 150, 2)])

    assert found is not None
    assert 100 <= found.verdicts <= 250


def test_an_expert_that_came_back_to_its_profile_is_no_longer_named() -> None:
    away = stream(0.8, 0.4, 150, 1)

    assert drift_of(away) is not None
    assert drift_of([*away, *stream(0.8, 0.85, 600, 2)]) is None


def test_an_expert_that_went_from_worse_to_better_is_better() -> None:
    found = drift_of([*stream(0.6, 0.3, 200, 1), *stream(0.6, 0.95, 120, 2)])

    assert found is not None
    assert found.direction is Direction.BETTER


@given(bits, st.integers(0, 8))
def test_worse_is_better_turned_round(rights: list[bool], eighths: int) -> None:
    found = drift_of([Seen(eighths / 8, float(right)) for right in rights], quiet=2)
    turned = drift_of([Seen(1 - eighths / 8, 1.0 - right) for right in rights], quiet=2)

    assert (found is None) == (turned is None)
    if found is not None and turned is not None:
        assert found.direction is not turned.direction
        assert found.verdicts == turned.verdicts


@given(streams)
def test_whatever_is_seen_no_answer_within_the_tolerance_is_a_change(seen: list[Seen]) -> None:
    near = [Seen(one.expected, min(1.0, max(0.0, one.expected + (one.right - 0.5) * 2 * TOLERANCE))) for one in seen]

    assert drift_of(near, quiet=QUIET) is None


@pytest.mark.parametrize("seen", [Seen(-0.1, 0), Seen(0.5, 1.1), Seen(float("nan"), 0.5)])
def test_what_is_no_rate_is_refused(seen: Seen) -> None:
    with pytest.raises(ValueError, match=r"0\.\.1"):
        drift_of([seen])


def test_a_watch_that_could_never_be_quiet_is_refused() -> None:
    with pytest.raises(ValueError, match="quiet"):
        drift_of([], quiet=1)
