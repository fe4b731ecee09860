"""A circuit breaker: stops calling what keeps failing, and lets one call through now and then to see if it is back."""

from __future__ import annotations

import random
from collections import deque
from enum import Enum, auto

WINDOW = 20
THRESHOLD = 5
COOL_DOWN_S = 5.0
LONGEST_COOL_DOWN_S = 60.0


class Pass(Enum):
    """A permission to make one call; it must be handed back when the call ends."""

    CALL = auto()
    PROBE = auto()


class Circuit:
    """Opens after `THRESHOLD` failures among the last `WINDOW` calls; then one probe decides after each cool-down.

    Cool-downs double from `COOL_DOWN_S` while probes fail, up to `LONGEST_COOL_DOWN_S`, and are lengthened by up to
    half at random, so that many processes do not probe at once. Times are monotonic seconds.
    """

    def __init__(self, rng: random.Random) -> None:
        """Start closed, with no calls seen."""
        self._rng = rng
        self._outcomes: deque[bool] = deque(maxlen=WINDOW)
        self._opened_until: float | None = None
        self._probing = False
        self._cool_down_s = COOL_DOWN_S
        self.reason = ""

    def opens_in(self, now: float) -> float | None:
        """Return the seconds until a call may be made; nothing when it may be made now."""
        if self._opened_until is None:
            return None
        left = self._opened_until - now
        if left > 0:
            return left
        return COOL_DOWN_S if self._probing else None

    def admit(self, now: float) -> Pass | None:
        """Return a pass for one call, or nothing; the first pass after a cool-down is the probe, and the only one."""
        if self._opened_until is None:
            return Pass.CALL
        if self.opens_in(now) is not None:
            return None
        self._probing = True
        return Pass.PROBE

    def succeeded(self, ticket: Pass) -> None:
        """Take note of a call that went well; a probe that does closes the circuit."""
        if ticket is Pass.PROBE:
            self._outcomes.clear()
            self._opened_until = None
            self._probing = False
            self._cool_down_s = COOL_DOWN_S
        self._outcomes.append(True)

    def failed(self, ticket: Pass, now: float, reason: str, *, at_once: bool = False) -> bool:
        """Take note of a failure and return whether it opened the circuit; `at_once` opens it whatever came before."""
        self._outcomes.append(False)
        if ticket is Pass.PROBE:
            self._cool_down_s = min(LONGEST_COOL_DOWN_S, self._cool_down_s * 2)
            self._probing = False
        elif self._opened_until is not None or not (at_once or self._outcomes.count(False) >= THRESHOLD):
            return False
        self._opened_until = now + self._cool_down_s * self._rng.uniform(1.0, 1.5)
        self.reason = reason
        return True

    def forgot(self, ticket: Pass) -> None:
        """Take note of a call that says nothing about health, such as one its caller left."""
        if ticket is Pass.PROBE:
            self._probing = False
