"""Regret: has a pool's router lost to a constant for long enough to say so? Told from shadows' samples, in order.

What a sample holds is an estimate by the vote's own posterior, so what is told here is too; it is no ground truth. Each
constant is watched by a bet (`routing.betting`), as `routing.profiles.drift` watches experts: false alarms are bounded
however often one looks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from core.shadows import Sample
from routing.betting import Bet

QUIET: Final = 2_000
"""While the router loses to no constant, a false alarm comes once in so many shadowed queries at most, on average."""
TOLERANCE: Final = 0.01
"""What a constant may gain over the router, in chance of a right answer, before that is called losing."""
_DOUBT: Final = 0.05
_RANGE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Regret:
    """A constant beside the router over `samples` queries.

    `gain` is how much likelier the constant's answers are right, -1..1, on average. `low` and `high` are a 95 %
    empirical Bernstein interval (Maurer and Pontil, arXiv 0907.3740), good for one look and for gains that keep their
    mean; the alarm does not go by it. `cost_ratio` is what the constant's calls cost for each dollar of the router's,
    and nothing when the router's were free. While it is `losing`, `lately` is the mean gain over the samples that show
    it; otherwise 0.
    """

    constant: str
    samples: int
    gain: float
    low: float
    high: float
    cost_ratio: float | None
    losing: bool = False
    lately: float = 0.0


def regrets_of(
    samples: Iterable[Sample], router: str, *, quiet: int = QUIET, tolerance: float = TOLERANCE
) -> tuple[Regret, ...]:
    """Return each constant beside `router`, by name; samples of other routers and of the router itself tell nothing.

    Raises:
        ValueError: when `quiet` is below 2.
    """
    if quiet < 2:
        raise ValueError(f"quiet: at least 2 samples, found {quiet}")
    found: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.router == router != sample.constant:
            found.setdefault(sample.constant, []).append(sample)
    # The constants share the false alarms there may be.
    return tuple(_regret(name, found[name], quiet * len(found), tolerance) for name in sorted(found))


def better_of(regrets: Iterable[Regret]) -> Regret | None:
    """Return the constant that the router loses to by most, or nothing while it loses to none."""
    losing = [regret for regret in regrets if regret.losing]
    return max(losing, key=lambda regret: (regret.lately, regret.gain), default=None)


def _regret(constant: str, samples: Sequence[Sample], threshold: float, tolerance: float) -> Regret:
    gains = [sample.gain for sample in samples]
    mean = math.fsum(gains) / len(gains)
    reach = _reach(gains, mean)
    paid = sum(sample.router_micros for sample in samples)
    bet, lately = Bet(threshold, most=0.0), 0.0
    for gain in gains:
        lately = lately + gain if bet.see(gain - tolerance) else 0.0
    return Regret(
        constant=constant,
        samples=len(gains),
        gain=mean,
        low=max(-1.0, mean - reach),
        high=min(1.0, mean + reach),
        cost_ratio=sum(sample.constant_micros for sample in samples) / paid if paid else None,
        losing=bet.alarmed,
        lately=lately / bet.length if bet.alarmed else 0.0,
    )


def _reach(gains: Sequence[float], mean: float) -> float:
    count = len(gains)
    if count < 2:
        return _RANGE
    variance = math.fsum((gain - mean) ** 2 for gain in gains) / (count - 1)
    doubt = math.log(4 / _DOUBT)
    return math.sqrt(2 * variance * doubt / count) + 7 * _RANGE * doubt / (3 * (count - 1))
