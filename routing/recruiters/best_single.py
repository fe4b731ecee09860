"""The constant router that always asks the expert with the best overall record, whatever the query."""

from __future__ import annotations

import random
from dataclasses import replace

from routing.explaining import standing
from routing.quality import expected_qualities
from routing.slate import Choice, Slate, alone


def recruit(slate: Slate, rng: random.Random) -> Choice:  # noqa: ARG001 (nothing is left to chance)
    """Return the candidate of the highest overall quality; skills and prices do not matter."""
    constant = replace(
        slate,
        tags=(),
        wins=slate.wins[:0],
        losses=slate.losses[:0],
        declined=slate.declined[:0],
        sure=slate.sure & False,
    )
    scores = expected_qualities(constant)
    order = sorted(range(len(slate.candidates)), key=lambda at: -scores[at])
    whys = [
        f"{'best' if place == 0 else 'not the best'} overall: {standing(constant, at)}"
        for place, at in enumerate(order)
    ]
    return alone(slate, order, [float(scores[at]) for at in order], whys, expected_qualities(slate))
