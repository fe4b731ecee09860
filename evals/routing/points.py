"""Points: how the default recruiter is set to keep within a number of calls or a price, found on training questions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from evals.routing.classroom import Classroom
from evals.routing.replay import Played, Point, consult

MOST: Final = 1_500
"""How many training questions a setting is tried on."""
_STEPS: Final = 9
_SAFE: Final = 0.98
_DEAREST: Final = 4.0

EVERYBODY: Final = 10**6
CALLS: Final = 5
MEAN_CALLS: Final = 3.0
SHARES: Final = (1.0, 0.5, 0.45)
DEFAULT: Final = Point("default", k=CALLS, stop_at=0.9, thrift=0.02)
SWEEP: Final = (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.7, 1.5)


def points(room: Classroom) -> list[Point]:
    """Return a hard cap on calls, a mean of calls, and shares of the best single expert's price.

    What has to be found is found by bisection on training questions, by foresight that has not seen them, and aims
    two in a hundred below the mark, so that chance seldom passes it.
    """
    capped = Point(f"at most {CALLS} calls", k=CALLS)
    mean = _bisected(room, _stopping, (0.2, 1.0), _calls, MEAN_CALLS)
    dear = [_bisected(room, partial(_thrifty, share), (_DEAREST, 0.0), _price, share * _unit(room)) for share in SHARES]
    return [capped, mean, *dear]


def _bisected(
    room: Classroom,
    turned: Callable[[float], Point],
    ends: tuple[float, float],
    took: Callable[[Played], float],
    most: float,
) -> Point:
    """Return the point turned as near to the second end as `most` allows; what is taken grows from end to end."""
    rows = np.arange(min(MOST, len(room.taught)))
    lessons, foreseen = room.taught.take(rows), room.schooling.foreseen[rows]
    least, greatest = ends
    if took(consult(room, turned(greatest), lessons, foreseen)) <= most * _SAFE:
        return turned(greatest)
    for _ in range(_STEPS):
        middle = (least + greatest) / 2
        if took(consult(room, turned(middle), lessons, foreseen)) <= most * _SAFE:
            least = middle
        else:
            greatest = middle
    return turned(least)


def _stopping(stop_at: float) -> Point:
    return Point(f"{MEAN_CALLS:g} mean calls", k=CALLS, stop_at=stop_at)


def _thrifty(share: float, thrift: float) -> Point:
    return Point(_share(share), k=EVERYBODY, thrift=thrift)


def _share(share: float) -> str:
    return "price of best single" if share == 1 else f"{share:.0%} of its price"


def _calls(played: Played) -> float:
    return float(played.seats.mean())


def _price(played: Played) -> float:
    return float(played.price.mean())


def _unit(room: Classroom) -> float:
    return float(np.nanmean(room.taught.price[: min(MOST, len(room.taught)), room.best]))
