"""RouteLLM-style (arXiv 2406.18665): the strong expert where it is foreseen to gain enough over the weak one.

The gain is the difference of two foreseen qualities, where RouteLLM fits a model of preferences between the two.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

import numpy as np

from routing.readings import Numbers
from routing.recruiters.contract import Method, Recruiter, Settled, Timing, Training, Traits
from routing.recruiters.strong_weak import strongest, weaker
from routing.recruiters.weighing import Estimate, columns_of, foreseen, seated, usual, values
from routing.schooling import Schooling
from routing.slate import Choice, Slate

SHARE: Final = 0.5
"""The share of queries meant for the strong expert while money does not count; design choice."""


@dataclass(frozen=True, slots=True)
class Threshold(Settled):
    """`enough` [strong, weak] is the gain that as many held-out lessons reach as shall go to the strong expert."""

    schooling: Schooling | None
    enough: Numbers

    def strength(self, slate: Slate) -> float:
        """Return how much the strong expert is foreseen to gain over the weak one on this query."""
        weak, strong = _pair(slate, usual(slate, self.schooling))
        quality = foreseen(slate, self.schooling).quality
        return float(quality[strong] - quality[weak])

    def recruit(self, slate: Slate, rng: random.Random) -> Choice:  # noqa: ARG002 (nothing is left to chance)
        """Return the strong or the weak one of the pair; with thrift, the strong one if its gain is worth its price."""
        weak, strong = _pair(slate, usual(slate, self.schooling))
        estimate = foreseen(slate, self.schooling)
        gain = float(estimate.quality[strong] - estimate.quality[weak])
        enough = self._enough(slate, estimate, weak, strong)
        first, second = (strong, weak) if gain >= enough else (weak, strong)
        others = [at for at in range(len(slate.candidates)) if at not in {weak, strong}]
        order = list(dict.fromkeys([first, second, *others]))
        told = [f"neither the strong nor the weak one: foreseen {quality:.2f}" for quality in estimate.quality.tolist()]
        judged = f"a gain of {gain:+.2f} where {enough:+.2f} is enough"
        told[weak] = f"the weak one, foreseen {estimate.quality[weak]:.2f}: {judged}"
        told[strong] = f"the strong one, foreseen {estimate.quality[strong]:.2f}: {judged}"
        return seated(slate, order, values(slate, estimate.quality), estimate.quality, estimate.reasons(slate, told))

    def _enough(self, slate: Slate, estimate: Estimate, weak: int, strong: int) -> float:
        if slate.thrift:
            return slate.thrift * float(slate.prices[strong] - slate.prices[weak])
        if self.schooling is None or not (estimate.taught[weak] and estimate.taught[strong]):
            return 0.0
        columns = columns_of(slate, self.schooling.lessons.experts)
        return float(self.enough[columns[strong], columns[weak]])


def _pair(slate: Slate, overall: Estimate) -> tuple[int, int]:
    """Return the weak and the strong candidate; the same one where nobody reasonable is cheaper."""
    strong = strongest(slate, overall)
    return next(iter(weaker(slate, overall, strong)), strong), strong


def make(schooling: Schooling | None) -> Recruiter:
    """Return the recruiter, calibrated for every pair of experts by foresight that has not seen the lesson."""
    if schooling is None:
        return Threshold(None, np.zeros((0, 0)))
    quality = schooling.foreseen
    enough = [np.quantile(strong[:, None] - quality, 1 - SHARE, axis=0) for strong in quality.T]
    return Threshold(schooling, np.stack(enough))


METHOD: Final = Method(
    Traits(
        name="threshold",
        timing=Timing.BEFORE,
        family="supervised: strong or weak",
        training=Training.LESSONS,
        cold_start="the strong one by counts, unless thrift forbids",
        source="RouteLLM-style (arXiv 2406.18665)",
    ),
    make,
)
