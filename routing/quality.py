"""How good an answer is to be expected: of one expert from its profile, of a panel from its members."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Final

import numpy as np

from routing.profiles.shrinkage import shrunk
from routing.profiles.table import Numbers
from routing.slate import Slate

SCREENED: Final = 18.0
"""How many imagined right answers stand behind an expert whose screen read the whole query; design choice."""
COMMON_CAUSE: Final = 0.5
"""How often experts of one family are taken to err together; design choice."""
_EXACT_VOTERS: Final = 12


def expected_qualities(slate: Slate) -> Numbers:
    """Return each candidate's expected quality in 0..1: that it answers, times that it is right when it does.

    Per skill, the posterior mean is shrunk towards that of the skill's parent, and the eldest's towards the expert's
    own overall mean, so that three lucky questions do not outweigh a hundred. Skills count by their weights; as far as
    those do not add up to one, the query was not recognised and the overall record speaks. A candidate whose screen
    said yes is sure to answer, and vouched for even before it was measured. One more win never lowers the result.
    """
    won, lost, declined = slate.overall
    vouched = np.where(slate.sure, SCREENED, 0.0)
    mean = (won + 1 + vouched) / (won + lost + 2 + vouched)
    coverage = np.where(slate.sure, 1.0, (won + lost + 1) / (won + lost + declined + 1))
    if not slate.tags:
        return np.asarray(mean * coverage)
    line = [*zip(*slate.above, strict=True), (slate.wins, slate.losses, slate.declined)]
    right = shrunk([(wins, losses) for wins, losses, _ in line], mean)
    answered = shrunk([(wins + losses, refused) for wins, losses, refused in line], coverage)
    answers = np.where(slate.sure, 1.0, answered)
    weights = np.array([tag.weight for tag in slate.tags])
    total = max(float(weights.sum()), 1e-9)
    trust = min(1.0, total)
    on_skills = (weights / total) @ (right * answers)
    return np.asarray(trust * on_skills + (1 - trust) * mean * coverage)


def panel_quality(qualities: Sequence[float], families: Sequence[str]) -> float:
    """Return the expected quality of a panel's answer, never below that of its best member.

    It is the chance that an optimally weighted vote is right (Nitzan and Paroush, 1982), were the members independent;
    as experts of one family often err together, half of it is the same vote among the best of each family. An
    aggregator that reads the thoughts may do better, so this errs on the side of asking more.
    """
    if not qualities:
        return 0.0
    best: dict[str, float] = {}
    for quality, family in zip(qualities, families, strict=True):
        best[family] = max(quality, best.get(family, 0.0))
    vote = COMMON_CAUSE * _vote(list(best.values())) + (1 - COMMON_CAUSE) * _vote(qualities)
    return max(max(qualities), vote)


def _vote(qualities: Sequence[float]) -> float:
    """Return how often the heavier side of a vote is the right one; ties are right half of the time."""
    voters = [min(0.99, quality) for quality in sorted(qualities, reverse=True)[:_EXACT_VOTERS] if quality > 0.5]
    weights = [math.log(quality / (1 - quality)) for quality in voters]
    chance = 0.0
    for rights in product((True, False), repeat=len(voters)):
        likely = math.prod(q if right else 1 - q for q, right in zip(voters, rights, strict=True))
        margin = sum(w if right else -w for w, right in zip(weights, rights, strict=True))
        chance += likely * (1.0 if margin > 1e-12 else 0.5 if margin > -1e-12 else 0.0)
    return chance if voters else 0.0
