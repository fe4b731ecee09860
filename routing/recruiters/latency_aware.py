"""The best expert that does not keep one waiting: expected quality less a share of its expected latency."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import numpy as np

from routing.recruiters.contract import Method, Settled, Timing, Training, Traits
from routing.recruiters.weighing import foreseen, ranked, seated, values
from routing.schooling import Schooling
from routing.slate import Choice, Slate

WAITING: Final = 0.1
"""How much expected quality the slowest candidate must bring over one that answers at once; design choice."""


@dataclass(frozen=True, slots=True)
class LatencyAware(Settled):
    """Latencies count as shares of the slowest candidate's; while none is known, nobody is slow."""

    schooling: Schooling | None

    def recruit(self, slate: Slate, rng: random.Random) -> Choice:  # noqa: ARG002 (nothing is left to chance)
        """Return the one candidate of the best value less its wait."""
        estimate = foreseen(slate, self.schooling)
        latency = np.array([candidate.latency_s for candidate in slate.candidates])
        slowest = float(latency.max())
        scores = values(slate, estimate.quality) - WAITING * (latency / slowest if slowest else latency)
        reasons = estimate.reasons(slate, [f"foreseen {quality:.2f}" for quality in estimate.quality.tolist()])
        told = [f"{reason}, about {seconds:.1f} s" for reason, seconds in zip(reasons, latency.tolist(), strict=True)]
        return seated(slate, ranked(slate, scores), scores, estimate.quality, told)


METHOD: Final = Method(
    Traits(
        name="latency_aware",
        timing=Timing.BEFORE,
        family="supervised: quality, price and latency",
        training=Training.LESSONS,
        cold_start="quality by counts",
        source="ours",
    ),
    LatencyAware,
)
