"""The constant router that always asks the cheapest expert; among equals, the quickest."""

from __future__ import annotations

import random
from typing import Final

from routing.explaining import standing
from routing.quality import expected_qualities
from routing.recruiters.contract import Method, Rule, Timing, Training, Traits
from routing.recruiters.weighing import seated
from routing.slate import Choice, Slate


def recruit(slate: Slate, rng: random.Random) -> Choice:  # noqa: ARG001 (nothing is left to chance)
    """Return the candidate of least expected cost; ties go to the quickest, then to the better."""
    qualities = expected_qualities(slate)
    order = sorted(
        range(len(slate.candidates)),
        key=lambda at: (_declines(slate, at), slate.costs[at], slate.candidates[at].latency_s, -qualities[at]),
    )
    whys = [
        f"{'cheapest' if at == order[0] else 'not the cheapest'}: {standing(slate, at)}" for at in range(len(order))
    ]
    return seated(slate, order, -slate.costs.astype(float), qualities, whys)


def _declines(slate: Slate, at: int) -> bool:
    """Whether a candidate would most likely not answer: an answer that never comes is not cheap."""
    won, lost, declined = slate.overall[:, at]
    return bool(not slate.sure[at] and declined > won + lost)


METHOD: Final = Method(
    Traits(
        name="cheapest",
        timing=Timing.BEFORE,
        family="constant",
        training=Training.PROFILE,
        cold_start="by price alone",
        source="baseline",
    ),
    lambda _: Rule(recruit),
)
