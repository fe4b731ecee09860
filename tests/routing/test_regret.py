"""A router that loses to a constant for long enough is told so; one that does not hardly ever is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import PoolName, RunId
from core.money import Micros
from core.shadows import Sample
from routing.regret import TOLERANCE, Regret, better_of, regrets_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)
# Eighths add without rounding, so that laws hold exactly.
eighths = st.integers(-4, 4).map(lambda eighth: eighth / 8)
streams = st.lists(eighths, min_size=1, max_size=60)


def sampled(gains: Sequence[float], constant: str = "cheapest", router: str = "conclave") -> list[Sample]:
    """One sample a gain; the constant's calls cost half of the router's."""
    costs = Micros(1), Micros(2)
    return [
        Sample(PoolName("p"), RunId(f"r{at}"), constant, router, "v", gain, *costs, NOW)
        for at, gain in enumerate(gains)
    ]


def regret(gains: Sequence[float], *, quiet: int = 2_000, tolerance: float = TOLERANCE) -> Regret:
    """The regret of one constant."""
    (found,) = regrets_of(sampled(gains), "conclave", quiet=quiet, tolerance=tolerance)
    return found


def noisy(mean: float, count: int, seed: int) -> list[float]:
    """Gains of -1, 0 and 1 around a mean, as those of answers that mostly agree are."""
    rng = random.Random(seed)
    return [rng.choices((1.0, -1.0, 0.0), (0.15 + mean / 2, 0.15 - mean / 2, 0.7))[0] for _ in range(count)]


@given(st.integers(1, 3_000))
def test_a_router_that_answers_as_the_constant_does_never_loses(count: int) -> None:
    found = regret([0.0] * count, quiet=2)

    assert (found.gain, found.losing, found.lately) == (0.0, False, 0.0)


@given(st.lists(st.floats(-1, TOLERANCE), min_size=1, max_size=200))
def test_no_gain_within_the_tolerance_is_losing(gains: list[float]) -> None:
    assert not regret(gains, quiet=2).losing


@pytest.mark.parametrize("mean", [0.0, TOLERANCE])
def test_false_alarms_are_no_more_than_stated(mean: float) -> None:
    quiet, count, tries = 200, 100, 60
    streams = [noisy(mean, count, seed) for seed in range(tries)]
    alarms = sum(any(regret(one[:end], quiet=quiet).losing for end in range(10, count + 1, 10)) for one in streams)

    # Even at the edge of what is tolerated: a watch of 200 is false in 100 samples less often than every other time.
    assert alarms <= tries * count / quiet


@pytest.mark.parametrize(("mean", "within"), [(0.1, 900), (0.2, 300)])
def test_a_steady_loss_is_told(mean: float, within: int) -> None:
    for seed in range(10):
        found = regret(noisy(mean, within, seed))

        assert found.losing
        assert found.lately == pytest.approx(mean, abs=0.1)


def test_a_loss_that_begins_late_is_told_as_soon() -> None:
    found = regret([*noisy(-0.1, 2_000, 1), *noisy(0.2, 300, 2)])

    assert found.losing
    assert found.lately > 0.1 > found.gain


def test_a_router_that_recovers_no_longer_loses() -> None:
    lost = noisy(0.2, 2_000, 1)

    assert regret(lost).losing
    assert not regret([*lost, *noisy(-0.2, 600, 2)]).losing


@given(streams, st.lists(st.integers(0, 4), min_size=60, max_size=60))
def test_a_constant_that_gains_more_is_never_thought_less_of(gains: list[float], more: list[int]) -> None:
    less, greater = regret(gains, quiet=2), regret([g + m / 8 for g, m in zip(gains, more, strict=False)], quiet=2)

    assert less.gain <= greater.gain
    assert less.losing <= greater.losing


@given(streams, eighths)
def test_moving_gains_and_tolerance_alike_moves_the_mean_and_nothing_else(gains: list[float], by: float) -> None:
    found = regret(gains, quiet=2, tolerance=0.0)
    moved = regret([gain + by for gain in gains], quiet=2, tolerance=by)

    assert moved.gain == pytest.approx(found.gain + by)
    assert moved.losing == found.losing


@given(streams)
def test_the_mean_is_within_its_interval_and_the_interval_within_what_can_be(gains: list[float]) -> None:
    found = regret(gains)

    assert -1 <= found.low <= found.gain <= found.high <= 1


@given(streams, streams)
def test_the_more_constants_there_are_the_more_it_takes_to_lose_to_one(one: list[float], two: list[float]) -> None:
    alone = regret(one, quiet=2)
    both = regrets_of(sampled(one) + sampled(two, "random"), "conclave", quiet=2)

    assert [found.constant for found in both] == ["cheapest", "random"]
    assert both[0].losing <= alone.losing


def test_only_samples_of_the_router_beside_another_tell_of_it() -> None:
    foreign = sampled([1.0] * 500, router="panel") + sampled([1.0] * 500, "conclave")

    assert regrets_of(foreign, "conclave") == ()


def test_costs_are_told_for_each_dollar_of_the_routers() -> None:
    free = [replace(sample, router_micros=Micros(0)) for sample in sampled([0.0])]

    assert regret([0.0, 0.5]).cost_ratio == 0.5
    assert regrets_of(free, "conclave")[0].cost_ratio is None


def test_the_constant_that_gains_most_is_the_better_one_and_none_is_while_none_wins() -> None:
    some, more = sampled([0.3] * 400), sampled([0.4] * 400, "best_single")

    better = better_of(regrets_of([*some, *more, *sampled([-0.5] * 400, "random")], "conclave"))

    assert better is not None
    assert better.constant == "best_single"
    assert better_of(regrets_of(sampled([0.0] * 9), "conclave")) is None


def test_a_watch_that_could_never_be_quiet_is_refused() -> None:
    with pytest.raises(ValueError, match="quiet"):
        regrets_of([], "conclave", quiet=1)
