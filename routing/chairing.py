"""The chair: which expert is to make one answer of a panel's thoughts. Pure.

Aggregating is an ability of its own (Symbolic-MoE, arXiv 2503.05641, aggregator choice), and one by subject: thin
evidence on the query's top-level skills backs off to the expert's whole record of it, and that to what is usual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.experts import ExpertSpec
from core.ids import ExpertName, SkillName
from core.pools import PoolSpec
from core.profiles import ExpertProfile, ProfileSet, Record
from core.skills import SkillTag
from routing.profiles.hierarchy import top
from routing.profiles.shrinkage import STRENGTH
from routing.profiles.table import ProfileTable
from routing.slate import Candidate


def aggregator_of(
    pool: PoolSpec,
    candidates: Sequence[Candidate],
    profiles: ProfileSet,
    table: ProfileTable,
    tags: Sequence[SkillTag],
) -> ExpertName | None:
    """Return who makes one answer of a panel's thoughts, if anybody can; `table` is that of the profiles.

    The pool's own choice when it may be called; else who of those measured is likeliest to synthesise a right answer to
    a query of these skills, the first of equals; else the best overall of those that chat.
    """
    able = [candidate.spec.name for candidate in candidates if _talks(candidate.spec)]
    if pool.aggregator_expert in able:
        return pool.aggregator_expert
    measured = [name for name in able if profiles.of(name).synthesis.asked]
    if measured:
        usual, weights = usual_rate(profiles), top_weights(tags, profiles, table)
        return max(measured, key=lambda name: chance(profiles.of(name), usual, weights))
    return max(able, key=lambda name: profiles.of(name).overall.quality, default=None)


def chance(profile: ExpertProfile, usual: float, weights: Mapping[SkillName, float]) -> float:
    """Return how likely the expert is to write a right answer from mixed thoughts, in 0..1.

    `weights` are those of the query's top-level skills. As far as they do not add up to one, the query was not
    recognised, and the expert's whole record speaks.
    """
    overall = _shrunk(profile.synthesis, usual)
    total = sum(weights.values())
    gains = (
        weight * (_shrunk(profile.aptitude.get(skill, Record()), overall) - overall)
        for skill, weight in weights.items()
    )
    return overall + sum(gains) / max(1.0, total)


def usual_rate(profiles: ProfileSet) -> float:
    """Return how often a synthesis was right over all experts that were measured, under a Beta(1,1) prior."""
    records = [profile.synthesis for profile in profiles.experts.values()]
    return (sum(record.wins for record in records) + 1) / (sum(record.asked for record in records) + 2)


def top_weights(tags: Sequence[SkillTag], profiles: ProfileSet, table: ProfileTable) -> Mapping[SkillName, float]:
    """Return the weights of the tags by their top-level skills; a skill that was never measured has none."""
    weights: dict[SkillName, float] = {}
    for tag in tags:
        place = top(table.parents, table.skills.get(tag.name, -1))
        if place >= 0:
            name = profiles.skills[place].name
            weights[name] = weights.get(name, 0.0) + tag.weight
    return weights


def _shrunk(record: Record, towards: float) -> float:
    # Who declines leaves the query without an answer, as a wrong one would.
    return (record.wins + STRENGTH * towards) / (record.asked + STRENGTH)


def _talks(spec: ExpertSpec) -> bool:
    return "chat" in spec.abilities
