"""The baseline that asks anybody: one candidate, each as likely as the next."""

from __future__ import annotations

import random
from typing import Final

import numpy as np

from routing.explaining import standing
from routing.quality import expected_qualities
from routing.recruiters.contract import Method, Rule, Timing, Training, Traits
from routing.recruiters.weighing import seated
from routing.slate import Choice, Slate


def recruit(slate: Slate, rng: random.Random) -> Choice:
    """Return one candidate at random, of those the budget reaches."""
    count = len(slate.candidates)
    whys = [f"by chance, one of {count}: {standing(slate, at)}" for at in range(count)]
    return seated(slate, rng.sample(range(count), count), np.full(count, 1 / count), expected_qualities(slate), whys)


METHOD: Final = Method(
    Traits(
        name="random",
        timing=Timing.BEFORE,
        family="constant",
        training=Training.NONE,
        cold_start="the same",
        source="baseline",
    ),
    lambda _: Rule(recruit),
)
