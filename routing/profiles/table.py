"""Profiles as matrices, laid out once per version so that a decision is a few vector operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.ids import ExpertName, SkillName
from core.profiles import ProfileSet

Numbers = npt.NDArray[np.float64]
Counts = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ProfileTable:
    """Counts of a profile set: `wins`, `losses`, `declined` are [skills + 1, experts + 1], `overall` [3, experts + 1].

    The last row and column are empty: index -1 stands for a skill or an expert that was never measured. `net_total`
    is each expert's wins minus losses summed over skills, as Symbolic-MoE sums it: a question of three skills counts
    three times.
    """

    version: str
    experts: Mapping[ExpertName, int]
    skills: Mapping[SkillName, int]
    wins: Counts
    losses: Counts
    declined: Counts
    overall: Numbers
    net_total: Numbers


def table_of(profiles: ProfileSet) -> ProfileTable:
    """Lay the profiles out; skills and experts in the order of the profile set."""
    experts = {name: at for at, name in enumerate(profiles.experts)}
    skills = {skill.name: at for at, skill in enumerate(profiles.skills)}
    # Counts are exact in single precision up to 16 million, and a large pool stays small in memory.
    wins, losses, declined = (np.zeros((len(skills) + 1, len(experts) + 1), np.float32) for _ in range(3))
    overall = np.zeros((3, len(experts) + 1))
    for name, column in experts.items():
        profile = profiles.experts[name]
        overall[:, column] = profile.overall.wins, profile.overall.losses, profile.overall.declined
        for skill, record in profile.skills.items():
            row = skills.get(skill)
            if row is not None:
                wins[row, column] = record.wins
                losses[row, column] = record.losses
                declined[row, column] = record.declined
    net_total = wins.sum(axis=0, dtype=np.float64) - losses.sum(axis=0, dtype=np.float64)
    return ProfileTable(profiles.version, experts, skills, wins, losses, declined, overall, net_total)
