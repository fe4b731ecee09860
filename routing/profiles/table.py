"""Profiles as matrices, laid out once per version so that a decision is a few vector operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.ids import ExpertName, SkillName
from core.profiles import LiveProfile, ProfileSet
from routing.profiles.hierarchy import Places, generations, parents_of

Numbers = npt.NDArray[np.float64]
Counts = npt.NDArray[np.float32]
Live = Mapping[ExpertName, LiveProfile]


@dataclass(frozen=True, slots=True)
class ProfileTable:
    """Counts of a profile set: `wins`, `losses`, `declined` are [skills + 1, experts + 1], `overall` [3, experts + 1].

    A skill's counts are its own and those of all below it; `parents` [skills + 1] are the places of skills' parents.
    The last row and column are empty: index -1 stands for a skill or an expert that was never measured. `net_total`
    is each expert's wins minus losses summed over skills, as Symbolic-MoE sums it: a question of three skills counts
    three times, and parents, which the paper does not have, are left out. Live verdicts are counted in, and `live`
    [2, experts + 1] is their share of the overall record: wins beyond those expected, and how many verdicts.
    """

    version: str
    experts: Mapping[ExpertName, int]
    skills: Mapping[SkillName, int]
    wins: Counts
    losses: Counts
    declined: Counts
    overall: Numbers
    net_total: Numbers
    live: Numbers
    parents: Places


def table_of(profiles: ProfileSet) -> ProfileTable:
    """Lay the profiles out; skills and experts in the order of the profile set.

    Raises `ConfigurationError` when a skill's parent is not listed, or stands below it.
    """
    parents = parents_of(profiles.skills)
    # Who was not measured may have been judged in service.
    experts = {name: at for at, name in enumerate(dict.fromkeys([*profiles.experts, *profiles.live]))}
    skills = {skill.name: at for at, skill in enumerate(profiles.skills)}
    # Counts are exact in single precision up to 16 million, and a large pool stays small in memory.
    wins, losses, declined = (np.zeros((len(skills) + 1, len(experts) + 1), np.float32) for _ in range(3))
    overall = np.zeros((3, len(experts) + 1))
    for name, profile in profiles.experts.items():
        column = experts[name]
        overall[:, column] = profile.overall.wins, profile.overall.losses, profile.overall.declined
        for skill, record in profile.skills.items():
            row = skills.get(skill)
            if row is not None:
                wins[row, column] = record.wins
                losses[row, column] = record.losses
                declined[row, column] = record.declined
    net_total = wins.sum(axis=0, dtype=np.float64) - losses.sum(axis=0, dtype=np.float64)
    for counts in (wins, losses, declined):
        _roll_up(counts, parents)
    live = np.zeros((2, len(experts) + 1))
    table = ProfileTable(profiles.version, experts, skills, wins, losses, declined, overall, net_total, live, parents)
    recount(table, {}, profiles.live)
    return table


def recount(table: ProfileTable, before: Live, after: Live) -> None:
    """Take the live verdicts `before` out of the table and put those `after` in, in place.

    It takes a step for each expert and skill that has verdicts, and for each ancestor of the skill, whatever the size
    of the table: one more verdict costs as much as its query has skills.
    """
    for live, sign in ((before, -1.0), (after, 1.0)):
        for name, profile in live.items():
            column = table.experts.get(name)
            if column is not None:
                _count(table, column, profile, sign)


def _count(table: ProfileTable, column: int, live: LiveProfile, sign: float) -> None:
    table.overall[0, column] += sign * live.overall.wins
    table.overall[1, column] += sign * live.overall.losses
    table.live[0, column] += sign * (live.overall.wins - live.overall.expected)
    table.live[1, column] += sign * (live.overall.wins + live.overall.losses)
    for skill, record in live.skills.items():
        row = table.skills.get(skill, -1)
        if row >= 0:
            table.net_total[column] += sign * (record.wins - record.losses)
        while row >= 0:
            table.wins[row, column] += sign * record.wins
            table.losses[row, column] += sign * record.losses
            row = int(table.parents[row])


def _roll_up(counts: Counts, parents: Places) -> None:
    """Add every row to its parent's, the youngest first; row by row, as a large table must not be copied."""
    depths = generations(parents)
    for row in np.argsort(-depths, kind="stable")[: int((parents >= 0).sum())]:
        counts[parents[row]] += counts[row]
