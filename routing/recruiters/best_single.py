"""The constant router that always asks the expert with the best overall record, whatever the query."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Final

from routing.explaining import standing
from routing.quality import expected_qualities
from routing.recruiters.contract import Method, Rule, Timing, Training, Traits
from routing.recruiters.weighing import ranked, seated
from routing.slate import Choice, Slate


def recruit(slate: Slate, rng: random.Random) -> Choice:  # noqa: ARG001 (nothing is left to chance)
    """Return the affordable candidate of the highest overall quality; skills and prices do not matter."""
    constant = replace(
        slate,
        tags=(),
        wins=slate.wins[:0],
        losses=slate.losses[:0],
        declined=slate.declined[:0],
        sure=slate.sure & False,
    )
    scores = expected_qualities(constant)
    order = ranked(slate, scores)
    whys = [
        f"{'best' if at == order[0] else 'not the best'} overall: {standing(constant, at)}" for at in range(len(order))
    ]
    return seated(slate, order, scores, expected_qualities(slate), whys)


METHOD: Final = Method(
    Traits(
        name="best_single",
        timing=Timing.BEFORE,
        family="constant",
        training=Training.PROFILE,
        cold_start="the cheapest, as everybody is equal",
        source="baseline",
    ),
    lambda _: Rule(recruit),
)
