"""Strong and weak: the best expert overall, and the reasonable ones that cost less than it."""

from __future__ import annotations

from typing import Final

import numpy as np

from routing.recruiters.weighing import Estimate, affordable
from routing.slate import Slate

REASONABLE: Final = 0.5
"""A weak expert has at least this share of the strong one's quality; design choice."""


def strongest(slate: Slate, overall: Estimate) -> int:
    """Return the best candidate the budget reaches, or of all when it reaches nobody; ties go to the cheaper."""
    able = affordable(slate)
    quality = np.where(able, overall.quality, -1.0) if able.any() else overall.quality
    return int(np.lexsort((slate.costs, -quality))[0])


def weaker(slate: Slate, overall: Estimate, strong: int) -> list[int]:
    """Return the reasonable candidates cheaper than the strong one, the cheapest first; ties go to the better."""
    quality = overall.quality
    order = np.lexsort((-quality, slate.costs))
    least = REASONABLE * quality[strong]
    return [int(at) for at in order if slate.costs[at] < slate.costs[strong] and quality[at] >= least]
