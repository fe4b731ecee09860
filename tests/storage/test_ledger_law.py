"""The law of the ledger: 0 <= spent + held <= cap, whatever is done in whatever order, and whatever breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.budgets import Budget, Spend
from core.clock import ManualClock
from core.errors import BudgetExceeded, RateLimited
from core.ids import HoldId
from core.money import Micros
from storage.memory.ledger import MemoryLedger
from tests.storage.harness import LedgerCase, MovedTime, service_case

CAP, CONCURRENCY = 100, 6
SHORT_S, LONG_S = 0.03, 60.0
Value = TypeVar("Value")
names = (f"law:{number}" for number in count())
amounts = st.integers(0, 60)


class LedgerLaw(RuleBasedStateMachine):
    """Does anything to one account, and keeps its own books of what was granted and what it cost."""

    make: ClassVar[Callable[[], LedgerCase]]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.case = self.do(_made(type(self).make))
        self.account = next(names)
        self.lost = 0
        self.spent = 0
        self.live: dict[HoldId, int] = {}
        self.mortal: dict[HoldId, int] = {}
        self.over: list[HoldId] = []

    def do(self, work: Coroutine[Any, Any, Value]) -> Value:
        return self.runner.run(work)

    @initialize()
    def opened(self) -> None:
        self.do(self.case.ledger.open(self.account, Budget(Micros(CAP)), CONCURRENCY))

    @rule(ceiling=amounts, mortal=st.booleans())
    def reserve(self, ceiling: int, mortal: bool) -> None:
        room = CAP - self.spent - sum(self.live.values()) - sum(self.mortal.values())
        try:
            hold = self.do(
                self.case.ledger.reserve(self.account, Spend(Micros(ceiling)), SHORT_S if mortal else LONG_S)
            )
        except BudgetExceeded:
            # A hold that dies by the clock may be gone already, which is for the ledger to know.
            assert self.lost or self.mortal or ceiling > room
        except RateLimited:
            assert len(self.live) + len(self.mortal) >= CONCURRENCY
        else:
            (self.mortal if mortal else self.live)[hold] = ceiling
            assert ceiling <= room or self.mortal

    @precondition(lambda self: self.live)
    @rule(data=st.data(), actual=amounts)
    def settle(self, data: st.DataObject, actual: int) -> None:
        hold = data.draw(st.sampled_from(list(self.live)))
        self.do(self.case.ledger.settle(self.account, hold, Spend(Micros(actual))))
        self.spent += min(actual, self.live.pop(hold))
        self.over.append(hold)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        hold = data.draw(st.sampled_from(list(self.live)))
        self.do(self.case.ledger.release(self.account, hold))
        del self.live[hold]
        self.over.append(hold)

    @precondition(lambda self: self.over)
    @rule(data=st.data(), actual=amounts)
    def settle_again_or_late(self, data: st.DataObject, actual: int) -> None:
        hold = data.draw(st.sampled_from(self.over))
        self.do(self.case.ledger.settle(self.account, hold, Spend(Micros(actual))))

    @precondition(lambda self: self.mortal)
    @rule()
    def time_passes(self) -> None:
        self.do(self.case.time.passes(2 * SHORT_S))
        self.do(self.case.ledger.expire())
        self.over.extend(self.mortal)
        self.mortal.clear()

    @precondition(lambda self: self.case.lose is not None)
    @rule()
    def valkey_loses_everything(self) -> None:
        assert self.case.lose is not None
        self.do(_awaited(self.case.lose()))
        self.lost += 1

    @invariant()
    def law(self) -> None:
        state = self.do(self.case.ledger.state(self.account))
        committed = self.spent + sum(self.live.values())
        assert 0 <= state.spent.micros + state.held.micros <= CAP
        assert committed <= CAP
        # Nothing that was really used, or may still be, goes uncounted.
        assert state.spent.micros + state.held.micros >= committed
        if not self.lost:
            assert state.spent.micros == self.spent

    def teardown(self) -> None:
        self.do(_awaited(self.case.close()))
        self.runner.close()


async def _made(make: Callable[[], LedgerCase]) -> LedgerCase:
    return make()


async def _awaited(work: Awaitable[Value]) -> Value:
    return await work


def a_memory_case() -> LedgerCase:
    clock = ManualClock(datetime.now(UTC))
    return LedgerCase(MemoryLedger(clock), MovedTime(clock))


def test_the_law_holds_in_memory() -> None:
    class Law(LedgerLaw):
        make = staticmethod(a_memory_case)

    run_state_machine_as_test(Law, settings=settings(max_examples=80))


@pytest.mark.parametrize("lossy", [False, True], ids=["steady", "flushed"])
def test_the_law_holds_in_the_service(redis_url: str, postgres_url: str, lossy: bool) -> None:
    def make() -> LedgerCase:
        case = service_case(redis_url, postgres_url)
        return case if lossy else replace(case, lose=None)

    class Law(LedgerLaw):
        pass

    Law.make = staticmethod(make)
    run_state_machine_as_test(Law, settings=settings(max_examples=12, stateful_step_count=25))
