"""Promises about a run's purse: it is never overspent, and time runs out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.budgets import Budget, Spend
from core.clock import ManualClock
from core.errors import BudgetExceeded, DeadlineExceeded
from core.money import Micros
from core.purse import Purse


def _clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@given(st.lists(st.tuples(st.integers(0, 60), st.floats(0, 1), st.booleans()), max_size=30))
def test_spent_and_held_never_pass_the_budget(steps: list[tuple[int, float, bool]]) -> None:
    purse = Purse(Budget(tokens=100, calls=10), _clock())
    for ceiling, share, settle in steps:
        try:
            held = purse.reserve(Spend(tokens=ceiling, calls=1))
        except BudgetExceeded:
            continue
        if settle:
            purse.settle(held, Spend(tokens=int(ceiling * share), calls=1))

    assert purse.spent.tokens <= 100
    assert purse.spent.calls <= 10


def test_settling_twice_charges_once() -> None:
    purse = Purse(Budget(micros=Micros(100)), _clock())
    held = purse.reserve(Spend(micros=Micros(60)))

    purse.settle(held, Spend(micros=Micros(40)))
    purse.settle(held, Spend(micros=Micros(40)))

    assert purse.spent.micros == 40


def test_a_refusal_names_the_resource_that_is_short() -> None:
    purse = Purse(Budget(calls=0), _clock())

    with pytest.raises(BudgetExceeded) as refusal:
        purse.reserve(Spend(calls=1))

    assert refusal.value.param == "conclave.budget.calls"


def test_time_left_shrinks_until_the_deadline_passes() -> None:
    clock = _clock()
    purse = Purse(Budget(seconds=10), clock)

    clock.advance(4)
    assert purse.seconds_left(otherwise=60) == 6
    assert purse.seconds_left(otherwise=2) == 2

    clock.advance(6)
    with pytest.raises(DeadlineExceeded):
        purse.seconds_left(otherwise=60)


def test_a_purse_that_stands_still_loses_no_time() -> None:
    clock = _clock()
    purse = Purse(Budget(seconds=10), clock)
    clock.advance(4)
    purse.stand_still()
    clock.advance(3600)
    purse.stand_still()
    assert purse.elapsed_s == 4

    purse.go_on()
    purse.go_on()
    clock.advance(5)

    assert purse.seconds_left(100) == 1
    clock.advance(1)
    with pytest.raises(DeadlineExceeded):
        purse.seconds_left(100)
