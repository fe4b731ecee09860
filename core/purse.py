"""A run's own purse: reserve before every call, settle after it, inside the process that drives the run.

The ledger holds the run's ceiling against the key once; the purse shares it among the run's calls.
"""

from __future__ import annotations

from core.budgets import Budget, Spend
from core.clock import Clock
from core.errors import BudgetExceeded, DeadlineExceeded


class Purse:
    """Keeps `spent + held <= budget` in every resource, and the time left of the budget's seconds."""

    def __init__(self, budget: Budget, clock: Clock) -> None:
        """Start the wall time of `budget` now."""
        self.budget = budget
        self._clock = clock
        self._started = clock.monotonic()
        self._stood_s = 0.0
        self._stands_since: float | None = None
        self._spent = Spend()
        self._held: dict[int, Spend] = {}
        self._next = 0

    @property
    def spent(self) -> Spend:
        """Return what was settled so far."""
        return self._spent

    @property
    def elapsed_s(self) -> float:
        """Return the seconds since the purse was opened, without those it stood still."""
        until = self._clock.monotonic() if self._stands_since is None else self._stands_since
        return until - self._started - self._stood_s

    def stand_still(self) -> None:
        """Let no time pass until `go_on`: the run only waits for its turn, as the lines of a batch do."""
        if self._stands_since is None:
            self._stands_since = self._clock.monotonic()

    def go_on(self) -> None:
        """Let time pass again."""
        if self._stands_since is not None:
            self._stood_s += self._clock.monotonic() - self._stands_since
            self._stands_since = None

    def seconds_left(self, otherwise: float) -> float:
        """Return the wall time left, at most `otherwise`; raises `DeadlineExceeded` when none is."""
        if self.budget.seconds is None:
            return otherwise
        left = self.budget.seconds - self.elapsed_s
        if left <= 0:
            raise DeadlineExceeded("the budget's wall time is used up; allow more seconds", code="total_deadline")
        return min(left, otherwise)

    def affords(self, ceiling: Spend) -> bool:
        """Whether `ceiling` fits what is neither spent nor held."""
        return self.budget.lacks(self._committed() + ceiling) is None

    def reserve(self, ceiling: Spend) -> int:
        """Set `ceiling` aside and return the reservation; raises `BudgetExceeded` naming the resource."""
        lacking = self.budget.lacks(self._committed() + ceiling)
        if lacking is not None:
            raise BudgetExceeded(
                f"the request's budget of {lacking} cannot cover the next call; raise budget.{lacking} or ask for less",
                param=f"conclave.budget.{lacking}",
            )
        self._next += 1
        self._held[self._next] = ceiling
        return self._next

    def settle(self, reservation: int, actual: Spend) -> None:
        """Turn a reservation into what was used; settling twice changes nothing."""
        if self._held.pop(reservation, None) is not None:
            self._spent = self._spent + actual

    def release(self, reservation: int) -> None:
        """Give a reservation back unused."""
        self._held.pop(reservation, None)

    def _committed(self) -> Spend:
        return sum(self._held.values(), self._spent)
