"""How a ledger says no: the same words whichever ledger says them."""

from __future__ import annotations

from core.budgets import Budget, Spend
from core.errors import BudgetExceeded, NotFound, RateLimited

_RETRY_AFTER_S = 1.0


def exceeded(account: str, need: Spend, left: Budget) -> BudgetExceeded:
    """Return the error for a ceiling that what is left cannot cover; it names the first resource that lacks."""
    resource = left.lacks(need) or "usd"
    have, wanted = {
        "usd": (_usd(left.micros or 0), _usd(need.micros)),
        "tokens": (f"{left.tokens} tokens", f"{need.tokens} tokens"),
        "calls": (f"{left.calls} calls", f"{need.calls} calls"),
    }[resource]
    return BudgetExceeded(
        f"the budget of {account} has {have} left and this may take {wanted}; raise the budget or ask for less",
        param=f"budget.{resource}",
    )


def busy(account: str, concurrency: int) -> RateLimited:
    """Return the error for an account with as many holds as it may have."""
    return RateLimited(
        f"{account} has {concurrency} requests in flight, which is all it may have; wait for one to end",
        retry_after_s=_RETRY_AFTER_S,
    )


def unknown(account: str) -> NotFound:
    """Return the error for an account that was never opened."""
    return NotFound(f'no account "{account[:60]}" in the ledger', code="unknown_account")


def _usd(micros: int) -> str:
    return f"${micros / 1_000_000:.6f}"
