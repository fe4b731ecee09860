"""From graded outcomes to profiles: pure counting, nothing invented."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from core.ids import ExpertName, SkillName
from core.profiles import MOST_LESSONS, ExpertProfile, Lesson, ProfileSet, Record
from core.skills import Skill
from routing.profiles.document import digest

UNMEASURED = "none"
"""The version of a profile set that holds nothing."""
_HALF_RIGHT: Final = 0.5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one question adds to one expert's counts; `correct` is `None` when it declined."""

    expert: ExpertName
    skills: tuple[SkillName, ...]
    correct: bool | None
    input_tokens: int = 0
    output_tokens: int = 0
    latency_s: float = 0.0


def build_profiles(
    pool: str,
    questions_id: str,
    measured_at: datetime,
    skills: Sequence[Skill],
    outcomes: Iterable[Outcome],
    synthesis: Mapping[ExpertName, Record] | None = None,
    lessons: Sequence[Lesson] = (),
) -> ProfileSet:
    """Return the profiles that the outcomes show.

    Every outcome counts once for each of its skills and once overall; `synthesis` holds how often each expert turned
    mixed thoughts into a right answer (Symbolic-MoE, arXiv 2503.05641, aggregator choice). Of the `lessons` behind the
    outcomes the last 5,000 are kept. The version is a hash of everything but the time, so the same outcomes give the
    same version.
    """
    by_expert: dict[ExpertName, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_expert[outcome.expert].append(outcome)
    synthesis = synthesis or {}
    experts = {name: _profile(name, by_expert[name], synthesis.get(name, Record())) for name in sorted(by_expert)}
    profiles = ProfileSet("", pool, questions_id, measured_at, tuple(skills), experts, tuple(lessons[-MOST_LESSONS:]))
    return replace(profiles, version=version_of(profiles))


def outcomes_of(lessons: Iterable[Lesson]) -> Iterator[Outcome]:
    """Yield what lessons add to the counts; an answer that is at least half right counts as right."""
    for lesson in lessons:
        for expert, its in lesson.outcomes.items():
            yield Outcome(
                expert=expert,
                skills=lesson.skills,
                correct=None if its.correct is None else its.correct >= _HALF_RIGHT,
                input_tokens=its.input_tokens,
                output_tokens=its.output_tokens,
                latency_s=its.latency_s,
            )


def version_of(profiles: ProfileSet) -> str:
    """Return the short hash of what the profiles say; the time of measuring is no part of it."""
    return digest(profiles)


def unmeasured(pool: str, at: datetime) -> ProfileSet:
    """Return profiles that know nothing, for a pool that was never measured."""
    return ProfileSet(UNMEASURED, pool, "", at, ())


def _profile(name: ExpertName, outcomes: Sequence[Outcome], synthesis: Record) -> ExpertProfile:
    overall = Record()
    skills: dict[SkillName, Record] = {}
    for outcome in outcomes:
        overall = overall.plus(outcome.correct)
        for skill in dict.fromkeys(outcome.skills):
            skills[skill] = skills.get(skill, Record()).plus(outcome.correct)
    count = max(1, len(outcomes))
    return ExpertProfile(
        expert=name,
        skills={skill: skills[skill] for skill in sorted(skills)},
        overall=overall,
        mean_input_tokens=round(sum(outcome.input_tokens for outcome in outcomes) / count, 1),
        mean_output_tokens=round(sum(outcome.output_tokens for outcome in outcomes) / count, 1),
        mean_latency_s=round(sum(outcome.latency_s for outcome in outcomes) / count, 3),
        synthesis=synthesis,
    )
