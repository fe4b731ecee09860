"""What an expert's own limits allow: requests and tokens a minute, and calls at once, counted in this process."""

from __future__ import annotations

from core.experts import Limits

_MINUTE_S = 60.0
# How far ahead of an even pace calls may run: a tenth of a minute's allowance comes at once.
_AHEAD_S = 6.0
# When a call ends nobody can know; this is soon enough to look again.
_LOOK_AGAIN_S = 1.0


class Pace:
    """Keeps calls to their limits: in any minute at most the limit, a tenth of it, and one call more.

    The generic cell rate algorithm (GCRA): each call moves a theoretical arrival time on by its share of a minute.
    Tokens are counted as the call's ceiling until it ends. Times are monotonic seconds.
    """

    def __init__(self, limits: Limits) -> None:
        """Start with nothing under way."""
        self._limits = limits
        self._calls_due = 0.0
        self._tokens_due = 0.0
        self._under_way = 0

    def wait_s(self, now: float) -> float | None:
        """Return the seconds until another call fits; nothing when one fits now."""
        if self._limits.concurrency is not None and self._under_way >= self._limits.concurrency:
            return _LOOK_AGAIN_S
        wait = max(self._calls_due, self._tokens_due) - _AHEAD_S - now
        return wait if wait > 0 else None

    def begin(self, now: float, tokens: int) -> None:
        """Count a call that may use so many tokens."""
        self._under_way += 1
        if self._limits.rpm is not None:
            self._calls_due = max(self._calls_due, now) + _MINUTE_S / self._limits.rpm
        if self._limits.tpm is not None:
            self._tokens_due = max(self._tokens_due, now) + tokens * _MINUTE_S / self._limits.tpm

    def end(self, unused_tokens: int) -> None:
        """Count a call as over, and give back the tokens it did not use."""
        self._under_way -= 1
        if self._limits.tpm is not None:
            self._tokens_due -= unused_tokens * _MINUTE_S / self._limits.tpm
