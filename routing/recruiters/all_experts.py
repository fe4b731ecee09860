"""The baseline that asks everybody the budget reaches, the best first. It fills more than `k` seats, and says so."""

from __future__ import annotations

import random
from typing import Final

from routing.explaining import standing
from routing.quality import expected_qualities
from routing.recruiters.contract import Method, Rule, Timing, Training, Traits
from routing.recruiters.weighing import ranked, seated
from routing.slate import Choice, Slate


def recruit(slate: Slate, rng: random.Random) -> Choice:  # noqa: ARG001 (nothing is left to chance)
    """Return all candidates whose prices together stay within the budget, whatever `k`."""
    qualities = expected_qualities(slate)
    count = len(slate.candidates)
    asked = "everybody is asked" if count <= slate.k else f"everybody is asked, beyond the {slate.k} wanted"
    whys = [f"{asked}: {standing(slate, at)}" for at in range(count)]
    return seated(slate, ranked(slate, qualities), qualities, qualities, whys, count)


METHOD: Final = Method(
    Traits(
        name="all",
        timing=Timing.BEFORE,
        family="constant",
        training=Training.NONE,
        cold_start="the same; counts only order the seats",
        source="baseline",
    ),
    lambda _: Rule(recruit),
)
