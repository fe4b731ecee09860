"""The constant router that always asks the cheapest expert; among equals, the quickest."""

from __future__ import annotations

import random

from routing.explaining import standing
from routing.quality import expected_qualities
from routing.slate import Choice, Slate, alone


def recruit(slate: Slate, rng: random.Random) -> Choice:  # noqa: ARG001 (nothing is left to chance)
    """Return the candidate of least expected cost; ties go to the quickest, then to the better."""
    qualities = expected_qualities(slate)
    order = sorted(
        range(len(slate.candidates)),
        key=lambda at: (_declines(slate, at), slate.costs[at], slate.candidates[at].latency_s, -qualities[at]),
    )
    whys = [
        f"{'cheapest' if place == 0 else 'not the cheapest'}: {standing(slate, at)}" for place, at in enumerate(order)
    ]
    return alone(slate, order, [-float(slate.costs[at]) for at in order], whys, qualities)


def _declines(slate: Slate, at: int) -> bool:
    """Whether a candidate would most likely not answer: an answer that never comes is not cheap."""
    won, lost, declined = slate.overall[:, at]
    return bool(not slate.sure[at] and declined > won + lost)
