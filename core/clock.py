"""Time as a parameter: the wall clock for records, the monotonic clock for durations."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """The only way to learn the time outside this file."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back; only differences mean anything."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()


class ManualClock:
    """A clock that moves only when told, for tests and simulations."""

    def __init__(self, start: datetime) -> None:
        """Begin at `start`, which must be aware."""
        self._now = start
        self._elapsed = 0.0

    def now(self) -> datetime:
        """Return the moment the clock stands at."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds the clock was moved so far."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Move both clocks forward by `seconds`, which must not be negative."""
        if seconds < 0:
            raise ValueError("a clock never goes back")
        self._elapsed += seconds
        self._now += timedelta(seconds=seconds)
