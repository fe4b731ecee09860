"""A ledger in the memory of one process."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.budgets import AccountState, Budget, Spend
from core.clock import Clock
from core.ids import HoldId
from core.money import Micros
from storage.clamping import clamped, refuse_negative
from storage.refusals import busy, exceeded, unknown


@dataclass(slots=True)
class _Account:
    cap: Budget
    concurrency: int | None
    spent: Spend = Spend()
    held: Spend = Spend()
    # Ceiling and end of each hold.
    holds: dict[HoldId, tuple[Spend, float]] = field(default_factory=dict)


class MemoryLedger:
    """The promises of the ledger, with time from a clock that tests may move."""

    def __init__(self, clock: Clock) -> None:
        """Time holds by `clock`."""
        self._clock = clock
        self._accounts: dict[str, _Account] = {}
        self._count = 0

    async def open(self, account: str, cap: Budget, concurrency: int | None = None) -> None:
        """Make the account, or change its cap and how many holds it may have at once."""
        cap = Budget(cap.micros, cap.tokens, cap.calls)
        known = self._accounts.get(account)
        if known is None:
            self._accounts[account] = _Account(cap, concurrency)
        else:
            known.cap, known.concurrency = cap, concurrency

    async def reserve(self, account: str, ceiling: Spend, ttl_s: float) -> HoldId:
        """Set `ceiling` aside for `ttl_s` seconds; raises `BudgetExceeded`, or `RateLimited` at too many holds."""
        refuse_negative(ceiling)
        known = self._known(account)
        self._free_expired(known)
        if known.concurrency is not None and len(known.holds) >= known.concurrency:
            raise busy(account, known.concurrency)
        left = known.cap.left_after(known.spent + known.held)
        if left.lacks(ceiling) is not None:
            raise exceeded(account, ceiling, left)
        self._count += 1
        hold = HoldId(f"m.{self._count}")
        known.holds[hold] = (ceiling, self._clock.monotonic() + ttl_s)
        known.held = known.held + ceiling
        return hold

    async def settle(self, account: str, hold: HoldId, actual: Spend) -> None:
        """Turn a hold into what was used, clamped to its ceiling; a second settle of a hold changes nothing."""
        known = self._known(account)
        self._free_expired(known)
        ceiling = _drop(known, hold)
        if ceiling is not None:
            known.spent = known.spent + clamped(actual, ceiling)

    async def release(self, account: str, hold: HoldId) -> None:
        """Give a hold back unused."""
        _drop(self._known(account), hold)

    async def expire(self) -> int:
        """Charge nothing and free every hold past its time; return how many there were."""
        return sum(self._free_expired(account) for account in self._accounts.values())

    async def state(self, account: str) -> AccountState:
        """Return what is spent and held; raises `NotFound` for an account never opened."""
        known = self._known(account)
        self._free_expired(known)
        return AccountState(account, known.cap, known.spent, known.held)

    async def aclose(self) -> None:
        """Nothing to close."""

    def _known(self, account: str) -> _Account:
        if account not in self._accounts:
            raise unknown(account)
        return self._accounts[account]

    def _free_expired(self, account: _Account) -> int:
        now = self._clock.monotonic()
        expired = [hold for hold, (_, end) in account.holds.items() if end <= now]
        for hold in expired:
            _drop(account, hold)
        return len(expired)


def _drop(account: _Account, hold: HoldId) -> Spend | None:
    if hold not in account.holds:
        return None
    ceiling, _ = account.holds.pop(hold)
    held = account.held
    account.held = Spend(Micros(held.micros - ceiling.micros), held.tokens - ceiling.tokens, held.calls - ceiling.calls)
    return ceiling
