"""The promises of a ledger, kept by the one of the service and by its twin in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count

import pytest

from core.budgets import Budget, Spend
from core.clock import ManualClock
from core.errors import BudgetExceeded, NotFound, RateLimited
from core.ids import HoldId
from core.money import Micros
from storage.memory.ledger import MemoryLedger
from tests.storage.harness import LedgerCase, MovedTime, service_case

TTL_S = 60.0
SHORT_S = 0.05
names = (f"key:{number}" for number in count())


def spend(micros: int, tokens: int = 0, calls: int = 0) -> Spend:
    return Spend(Micros(micros), tokens, calls)


@pytest.fixture(params=["memory", "valkey"])
async def case(request: pytest.FixtureRequest, redis_url: str, postgres_url: str) -> AsyncIterator[LedgerCase]:
    if request.param == "memory":
        clock = ManualClock(datetime.now(UTC))
        yield LedgerCase(MemoryLedger(clock), MovedTime(clock))
    else:
        case = service_case(redis_url, postgres_url)
        yield case
        await case.close()


@pytest.fixture
async def account(case: LedgerCase) -> str:
    """An account with a cap of 100 micro-dollars."""
    name = next(names)
    await case.ledger.open(name, Budget(Micros(100)))
    return name


async def amounts(case: LedgerCase, account: str) -> tuple[int, int]:
    state = await case.ledger.state(account)
    return state.spent.micros, state.held.micros


async def test_a_settled_hold_is_spent_and_no_longer_held(case: LedgerCase, account: str) -> None:
    hold = await case.ledger.reserve(account, spend(60, 5, 1), TTL_S)
    reserved = await amounts(case, account)

    await case.ledger.settle(account, hold, spend(40, 3, 1))

    state = await case.ledger.state(account)
    assert reserved == (0, 60)
    assert (state.spent, state.held, state.cap) == (spend(40, 3, 1), Spend(), Budget(Micros(100)))


async def test_what_does_not_fit_is_refused_and_nothing_is_held(case: LedgerCase, account: str) -> None:
    await case.ledger.settle(account, await case.ledger.reserve(account, spend(70), TTL_S), spend(70))

    with pytest.raises(BudgetExceeded, match=r"has \$0.000030 left") as refusal:
        await case.ledger.reserve(account, spend(31), TTL_S)

    assert refusal.value.param == "budget.usd"
    assert await amounts(case, account) == (70, 0)
    assert await case.ledger.reserve(account, spend(30), TTL_S)


@pytest.mark.parametrize(("resource", "ceiling"), [("tokens", spend(1, 11, 1)), ("calls", spend(1, 1, 4))])
async def test_every_resource_has_its_cap(case: LedgerCase, resource: str, ceiling: Spend) -> None:
    account = next(names)
    await case.ledger.open(account, Budget(None, 10, 3))

    with pytest.raises(BudgetExceeded, match=f"{resource} left") as refusal:
        await case.ledger.reserve(account, ceiling, TTL_S)

    assert refusal.value.param == f"budget.{resource}"
    assert await case.ledger.reserve(account, spend(10**9, 10, 3), TTL_S)


async def test_a_second_settle_changes_nothing(case: LedgerCase, account: str) -> None:
    hold = await case.ledger.reserve(account, spend(60), TTL_S)

    await case.ledger.settle(account, hold, spend(10))
    await case.ledger.settle(account, hold, spend(50))
    await case.ledger.release(account, hold)

    assert await amounts(case, account) == (10, 0)


async def test_a_released_hold_costs_nothing(case: LedgerCase, account: str) -> None:
    hold = await case.ledger.reserve(account, spend(60), TTL_S)

    await case.ledger.release(account, hold)
    await case.ledger.settle(account, hold, spend(60))

    assert await amounts(case, account) == (0, 0)


async def test_more_than_the_ceiling_is_clamped_to_it(case: LedgerCase, account: str) -> None:
    hold = await case.ledger.reserve(account, spend(60, 1), TTL_S)

    await case.ledger.settle(account, hold, spend(1000, 1))

    assert await amounts(case, account) == (60, 0)


async def test_negative_amounts_never_make_room(case: LedgerCase, account: str) -> None:
    with pytest.raises(ValueError, match="never negative"):
        await case.ledger.reserve(account, spend(-1), TTL_S)
    hold = await case.ledger.reserve(account, spend(60), TTL_S)

    await case.ledger.settle(account, hold, spend(-50))

    assert await amounts(case, account) == (0, 0)


async def test_an_expired_hold_is_freed_and_settling_it_late_changes_nothing(case: LedgerCase, account: str) -> None:
    hold = await case.ledger.reserve(account, spend(60), SHORT_S)
    await case.time.passes(2 * SHORT_S)

    assert await case.ledger.expire() == 1
    await case.ledger.settle(account, hold, spend(60))

    assert await amounts(case, account) == (0, 0)


async def test_expired_holds_make_room_without_being_asked(case: LedgerCase, account: str) -> None:
    await case.ledger.reserve(account, spend(100), SHORT_S)
    await case.time.passes(2 * SHORT_S)

    assert await case.ledger.reserve(account, spend(100), TTL_S)


async def test_an_account_has_so_many_holds_at_once(case: LedgerCase) -> None:
    account = next(names)
    await case.ledger.open(account, Budget(), concurrency=2)
    first = await case.ledger.reserve(account, spend(1), TTL_S)
    await case.ledger.reserve(account, spend(1), SHORT_S)

    with pytest.raises(RateLimited, match="2 requests in flight") as refusal:
        await case.ledger.reserve(account, spend(1), TTL_S)

    assert refusal.value.retry_after_s == 1.0
    await case.ledger.settle(account, first, spend(1))
    await case.ledger.reserve(account, spend(1), TTL_S)
    await case.time.passes(2 * SHORT_S)
    assert await case.ledger.reserve(account, spend(1), TTL_S)


async def test_concurrency_can_be_changed(case: LedgerCase, account: str) -> None:
    await case.ledger.open(account, Budget(Micros(100)), concurrency=1)
    await case.ledger.reserve(account, spend(1), TTL_S)
    with pytest.raises(RateLimited):
        await case.ledger.reserve(account, spend(1), TTL_S)

    await case.ledger.open(account, Budget(Micros(100)), concurrency=2)

    assert await case.ledger.reserve(account, spend(1), TTL_S)


async def test_an_account_without_a_cap_still_counts(case: LedgerCase) -> None:
    account = next(names)
    await case.ledger.open(account, Budget())
    holds = await asyncio.gather(*(case.ledger.reserve(account, spend(1000, 10, 1), TTL_S) for _ in range(50)))

    await asyncio.gather(*(case.ledger.settle(account, hold, spend(900, 9, 1)) for hold in holds))

    state = await case.ledger.state(account)
    assert (state.spent, state.held) == (spend(45_000, 450, 50), Spend())


async def test_a_raised_cap_makes_room(case: LedgerCase, account: str) -> None:
    await case.ledger.reserve(account, spend(100), TTL_S)

    await case.ledger.open(account, Budget(Micros(150)))

    assert await case.ledger.reserve(account, spend(50), TTL_S)


async def test_a_cap_lowered_below_what_was_used_allows_nothing_until_it_fits(case: LedgerCase, account: str) -> None:
    spent = await case.ledger.reserve(account, spend(50), TTL_S)
    await case.ledger.settle(account, spent, spend(50))
    hold = await case.ledger.reserve(account, spend(40), TTL_S)

    await case.ledger.open(account, Budget(Micros(60)))

    with pytest.raises(BudgetExceeded):
        await case.ledger.reserve(account, spend(1), TTL_S)
    await case.ledger.release(account, hold)
    with pytest.raises(BudgetExceeded):
        await case.ledger.reserve(account, spend(11), TTL_S)
    assert await case.ledger.reserve(account, spend(10), TTL_S)


async def test_a_cap_put_on_an_account_that_had_none_holds(case: LedgerCase) -> None:
    account = next(names)
    await case.ledger.open(account, Budget())
    await case.ledger.settle(account, await case.ledger.reserve(account, spend(30), TTL_S), spend(30))

    await case.ledger.open(account, Budget(Micros(50)))

    with pytest.raises(BudgetExceeded):
        await case.ledger.reserve(account, spend(21), TTL_S)
    assert await case.ledger.reserve(account, spend(20), TTL_S)


async def test_reservations_at_once_share_what_there_is(case: LedgerCase, account: str) -> None:
    outcomes = await asyncio.gather(
        *(case.ledger.reserve(account, spend(7), TTL_S) for _ in range(40)), return_exceptions=True
    )

    assert sum(isinstance(outcome, str) for outcome in outcomes) == 14
    assert {type(outcome) for outcome in outcomes} == {str, BudgetExceeded}
    assert await amounts(case, account) == (0, 98)


async def test_an_account_that_was_never_opened_is_not_found(case: LedgerCase) -> None:
    with pytest.raises(NotFound):
        await case.ledger.state("nobody")
    with pytest.raises(NotFound):
        await case.ledger.reserve("nobody", spend(1), TTL_S)


async def test_a_hold_nobody_made_changes_nothing(case: LedgerCase, account: str) -> None:
    for hold in ("v.abc.50.0.0", "p.abc", "m.99", ""):
        await case.ledger.settle(account, HoldId(hold), spend(50))
        await case.ledger.release(account, HoldId(hold))

    assert await amounts(case, account) == (0, 0)
