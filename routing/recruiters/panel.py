"""A panel chosen at once: the best experts the money allows, different ones, and no more than the query needs.

For whoever cannot wait for one voice after another, or asks for a fixed number of them.
"""

from __future__ import annotations

import random
from typing import Final

import numpy as np

from routing.explaining import standing
from routing.profiles.table import Numbers
from routing.quality import expected_qualities, panel_quality
from routing.recruiters.contract import Method, Rule, Timing, Training, Traits
from routing.slate import Choice, Slate, seat

PRICE: Final = 0.05
"""How much expected quality the dearest candidate must bring over a free one; design choice."""
DIVERSITY: Final = 0.05
"""How much expected quality a second expert of a family must bring over one of a new family; design choice."""
WORTHWHILE: Final = 0.5
"""An expert below this share of the best one's quality would only add noise; design choice."""


def recruit(slate: Slate, rng: random.Random) -> Choice:  # noqa: ARG001 (nothing is left to chance)
    """Return up to `k` different experts, the best first, stopping at the expected quality `stop_at`."""
    qualities = expected_qualities(slate)
    scores = scores_of(slate, qualities)
    chosen: list[int] = []
    families: list[str] = []
    quality = 0.0
    while len(chosen) < slate.k and (not chosen or quality < slate.stop_at):
        nearest = _next(slate, qualities, scores, chosen)
        if nearest is None:
            break
        chosen.append(nearest)
        families.append(slate.candidates[nearest].family)
        quality = panel_quality([float(qualities[at]) for at in chosen], families)
    rest = sorted(set(range(len(slate.candidates))) - set(chosen), key=lambda at: -scores[at])
    enough = _enough(slate, len(chosen), quality)
    return Choice(
        panel=tuple(seat(slate, at, float(scores[at]), float(qualities[at]), standing(slate, at)) for at in chosen),
        passed=tuple(
            seat(slate, at, float(scores[at]), float(qualities[at]), _passed(slate, at, qualities, enough))
            for at in rest
        ),
        expected_quality=quality,
    )


def scores_of(slate: Slate, qualities: Numbers) -> Numbers:
    """Return expected quality less the price, as a share of the dearest candidate's."""
    dearest = int(slate.costs.max(initial=0))
    return qualities - PRICE * slate.costs / dearest if dearest else qualities


def _next(slate: Slate, qualities: Numbers, scores: Numbers, chosen: list[int]) -> int | None:
    """Return the best candidate that may still join; of equals the first in the pool."""
    open_to = qualities >= WORTHWHILE * qualities.max()
    open_to[chosen] = False
    if slate.budget is not None:
        open_to &= slate.costs + int(slate.costs[chosen].sum()) <= slate.budget
    if not open_to.any():
        return None
    taken = {slate.candidates[at].family for at in chosen}
    akin = np.array([candidate.family in taken for candidate in slate.candidates])
    return int(np.argmax(np.where(open_to, scores - DIVERSITY * akin, -np.inf)))


def _enough(slate: Slate, seats: int, quality: float) -> str:
    if quality >= slate.stop_at:
        subject = "one expert is" if seats == 1 else f"{seats} experts are"
        return f"{subject} enough at {quality:.2f}"
    return f"the panel of {seats} is full" if seats == slate.k else "the rest of the budget does not reach"


def _passed(slate: Slate, at: int, qualities: Numbers, enough: str) -> str:
    if qualities[at] < WORTHWHILE * qualities.max():
        return f"far behind the best: {standing(slate, at)}"
    return f"{enough}; {standing(slate, at)}"


METHOD: Final = Method(
    Traits(
        name="panel",
        timing=Timing.BEFORE,
        family="counts by skill",
        training=Training.PROFILE,
        cold_start="everybody is as good as anybody, so the cheapest",
        source="ours",
    ),
    lambda _: Rule(recruit),
)
