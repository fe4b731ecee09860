"""Admission: a run's ceiling is held against the key's account before anything is spent, and settled when it ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import structlog

from core.budgets import Budget, Spend
from core.errors import ConclaveError
from core.ids import HoldId
from core.keys import ApiKey
from core.money import Micros, from_usd
from core.ports import Ledger
from core.query import Query

DEFAULT_BUDGET = Budget(micros=from_usd(1), tokens=200_000, calls=50, seconds=300.0)
"""What a run may use where neither the request nor the pool says: every run has a cap in every resource."""

BATCH_WINDOW_S = 86_400.0
"""What a line of a batch has, waiting included: the completion window of the OpenAI API."""

_GRACE_S = 60.0
_log = structlog.get_logger(__name__)


def run_budget(query: Query, pool: Budget) -> Budget:
    """Return the run's cap: the tighter of request and pool, with the default where neither speaks.

    A line of a batch has the seconds it asks for itself, or the whole window: those of the pool are for somebody who
    sits and waits.
    """
    cap = query.budget.within(pool)
    if query.batch:
        cap = replace(cap, seconds=query.budget.seconds or BATCH_WINDOW_S)
    return Budget(
        micros=DEFAULT_BUDGET.micros if cap.micros is None else cap.micros,
        tokens=DEFAULT_BUDGET.tokens if cap.tokens is None else cap.tokens,
        calls=DEFAULT_BUDGET.calls if cap.calls is None else cap.calls,
        seconds=DEFAULT_BUDGET.seconds if cap.seconds is None else cap.seconds,
    )


def wall_seconds(query: Query, budget: Budget) -> float:
    """Return the seconds after which a run under `budget` is over by the clock on the wall.

    The purse of a batch line stands still while the line waits for its turn, so its own seconds may end much later.
    """
    return BATCH_WINDOW_S if query.batch else budget.seconds or 0.0


def ceiling_of(budget: Budget, *, free: bool) -> Spend:
    """Return the most a run under `budget` can use; a run over free experts holds no money."""
    micros = Micros(0) if free else budget.micros or Micros(0)
    return Spend(micros=micros, tokens=budget.tokens or 0, calls=budget.calls or 0)


class Desk:
    """Admits runs: one hold on `key:<id>` is one request in flight, so the account bounds money and concurrency."""

    def __init__(self, ledger: Ledger) -> None:
        """Hold against `ledger`."""
        self._ledger = ledger
        self._opened: dict[str, tuple[Budget, int | None]] = {}

    async def admit(self, key: ApiKey | None, ceiling: Spend, seconds: float) -> Admission:
        """Return the admission of a run; raises `BudgetExceeded` or `RateLimited` with nothing spent.

        Without a key the caller is the operator, and only the run's own budget binds.
        """
        if key is None:
            return Admission(self._ledger, None, None)
        account = f"key:{key.id}"
        terms = (key.budget, key.concurrency)
        if self._opened.get(account) != terms:
            await self._ledger.open(account, key.budget, key.concurrency)
            self._opened[account] = terms
        return Admission(self._ledger, account, await self._held(account, ceiling, seconds + _GRACE_S))

    async def _held(self, account: str, ceiling: Spend, ttl_s: float) -> HoldId:
        """Reserve; a caller that leaves meanwhile gives the hold back, or it would count until it expires."""
        reserving = asyncio.ensure_future(self._ledger.reserve(account, ceiling, ttl_s))
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:
            with suppress(ConclaveError):
                await self._ledger.release(account, await reserving)
            raise


class Admission:
    """A run's hold on its key's account, settled exactly once however the run ends."""

    def __init__(self, ledger: Ledger, account: str | None, hold: HoldId | None) -> None:
        """Remember what to settle; made by `Desk.admit`."""
        self._ledger = ledger
        self._account = account
        self._hold = hold

    async def settle(self, spent: Spend) -> None:
        """Turn the hold into what was used; later calls do nothing.

        Never raises: the caller has its answer, and a hold that cannot be settled now expires.
        """
        if self._account is None or self._hold is None:
            return
        hold, self._hold = self._hold, None
        try:
            await self._ledger.settle(self._account, hold, spent)
        except ConclaveError as error:
            _log.error("run.unsettled", account=self._account, hold=hold, spent=spent, code=error.error_code)
