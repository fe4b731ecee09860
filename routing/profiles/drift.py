"""Drift: has an expert become worse, or better, than its profile says? Told from the verdicts on its answers, in order.

Each direction is watched by a bet (`routing.betting`): its false alarms are bounded whatever the order or the
difficulty of the questions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from routing.betting import Bet

QUIET: Final = 2_000
"""While nothing has changed, a false alarm comes once in so many verdicts at most, on average."""
TOLERANCE: Final = 0.05
"""How far the rate of right answers may be from the profile's, in 0..1, before that is called a change."""


class Direction(StrEnum):
    """Where an expert has moved from its profile."""

    WORSE = "worse"
    BETTER = "better"


class Seen(NamedTuple):
    """One verdict: the rate of right answers that the profile let expect, and how right the answer was, in 0..1."""

    expected: float
    right: float


@dataclass(frozen=True, slots=True)
class Drift:
    """A change that was found: over the last `verdicts` on the expert, `expected` and `right` are the mean rates."""

    direction: Direction
    verdicts: int
    expected: float
    right: float


def drift_of(verdicts: Iterable[Seen], *, quiet: int = QUIET, tolerance: float = TOLERANCE) -> Drift | None:
    """Return in which direction an expert has left its profile, or nothing when it has not, or came back.

    `verdicts` are in the order they were given; so far as the profile's rates hold to within `tolerance`, a false alarm
    comes at most once in `quiet` verdicts on average. An alarm stands until its evidence is used up again.

    Raises:
        ValueError: when a rate is outside 0..1, or `quiet` is below 2.
    """
    if quiet < 2:
        raise ValueError(f"quiet: at least 2 verdicts, found {quiet}")
    # Each direction may raise half of the false alarms.
    watches = [_Watch(direction, 2 * quiet, tolerance) for direction in Direction]
    for seen in verdicts:
        if not (0 <= seen.expected <= 1 and 0 <= seen.right <= 1):
            raise ValueError("expected and right are rates in 0..1")
        for watch in watches:
            watch.see(seen)
    # Both can stand only while one is on its way out: the newer change is the one that is true now.
    found = [watch for watch in watches if watch.bet.alarmed]
    return min(found, key=lambda watch: watch.bet.length).drift() if found else None


class _Watch:
    """One direction's bet, with what was expected and what was right since its evidence began."""

    def __init__(self, direction: Direction, quiet: int, tolerance: float) -> None:
        self.direction = direction
        self.bet = Bet(quiet, most=1e30)
        self._sums = Seen(0.0, 0.0)
        self._tolerance = tolerance

    def see(self, seen: Seen) -> None:
        """Bet on one more verdict."""
        worse = self.direction is Direction.WORSE
        # What is missed counts for "better" as what is right counts for "worse": the same bet, turned round.
        expected, right = seen if worse else Seen(1 - seen.expected, 1 - seen.right)
        if self.bet.see(max(0.0, expected - self._tolerance) - right):
            self._sums = Seen(self._sums.expected + seen.expected, self._sums.right + seen.right)
        else:
            self._sums = Seen(0.0, 0.0)

    def drift(self) -> Drift:
        """Return what was found."""
        length = self.bet.length
        return Drift(self.direction, length, self._sums.expected / length, self._sums.right / length)
