"""What feedback in service says of experts beside what was measured of them: counted by age, and watched for change.

Pure: the feedback and the time are passed in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from core.feedback import Feedback
from core.ids import ExpertName, SkillName
from core.profiles import ExpertProfile, LiveProfile, LiveRecord, ProfileSet
from core.skills import SkillTag
from routing.profiles.drift import Drift, Seen, drift_of
from routing.profiles.shrinkage import STRENGTH

HALF_LIFE: Final = timedelta(days=30)
"""After so long a verdict counts half; design choice: providers change their models by the month."""
HORIZON: Final = 6 * HALF_LIFE
"""What is older than this counts less than one part in sixty, and is left out."""


def live_of(profiles: ProfileSet, feedback: Iterable[Feedback], now: datetime) -> dict[ExpertName, LiveProfile]:
    """Return what the feedback says of each expert as of `now`: every verdict halves with each `HALF_LIFE`.

    A verdict counts once overall, and on each skill of its query as far as the query needs that skill.
    """
    overall: dict[ExpertName, LiveRecord] = defaultdict(LiveRecord)
    skills: dict[ExpertName, dict[SkillName, LiveRecord]] = defaultdict(lambda: defaultdict(LiveRecord))
    for given in feedback:
        weight = 0.5 ** (max(timedelta(), now - given.at) / HALF_LIFE)
        for expert, right in given.rights.items():
            expected = expected_right(profiles.of(expert), given.skills)
            overall[expert] = overall[expert].plus(right, expected, weight)
            for tag in given.skills:
                on = skills[expert]
                on[tag.name] = on[tag.name].plus(right, expected, weight * tag.weight)
    return {expert: LiveProfile(dict(skills[expert]), record) for expert, record in overall.items()}


def drifts_of(profiles: ProfileSet, feedback: Iterable[Feedback]) -> dict[ExpertName, Drift]:
    """Return the experts that have left their profile, by feedback in the order it was given."""
    seen: dict[ExpertName, list[Seen]] = defaultdict(list)
    for given in feedback:
        for expert, right in given.rights.items():
            seen[expert].append(Seen(expected_right(profiles.of(expert), given.skills), right))
    found: Mapping[ExpertName, Drift | None] = {expert: drift_of(verdicts) for expert, verdicts in seen.items()}
    return {expert: drift for expert, drift in found.items() if drift is not None}


def expected_right(profile: ExpertProfile, skills: Sequence[SkillTag]) -> float:
    """Return how likely an answer of the expert was to be right by what was measured, in 0..1.

    Each skill's rate is shrunk towards the overall one, and counts by its weight, the overall one for the rest to one.
    """
    mean = profile.overall.mean
    total = max(1.0, sum(tag.weight for tag in skills))
    surplus = 0.0
    for tag in skills:
        record = profile.on(tag.name)
        rate = (record.wins + STRENGTH * mean) / (record.seen + STRENGTH)
        surplus += tag.weight / total * (rate - mean)
    return min(1.0, max(0.0, mean + surplus))
