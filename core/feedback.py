"""Feedback: how right an answer given in service was, as its caller or a checker says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.ids import ExpertName, KeyId, PoolName, RunId
from core.skills import SkillTag


@dataclass(frozen=True, slots=True)
class Feedback:
    """One judgement of a run's answer, and what it says of the experts that were heard.

    `score` is how right the answer was, in 0..1, or what `expert` said of its own when one is named. `rights` is how
    right each expert was so far as that tells, and `skills` what the query needed. Of several by one key on one run
    and expert the newest counts.
    """

    run_id: RunId
    pool: PoolName
    key_id: KeyId
    score: float
    at: datetime
    rights: Mapping[ExpertName, float]
    skills: tuple[SkillTag, ...] = ()
    expert: ExpertName | None = None
