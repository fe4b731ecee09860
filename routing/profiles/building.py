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
    syntheses: Iterable[Outcome] = (),
    lessons: Sequence[Lesson] = (),
) -> ProfileSet:
    """Return the profiles that the outcomes show.

    Every outcome counts once for each of its skills and once overall. `syntheses` are those of answers written from
    mixed thoughts, by top-level skill (Symbolic-MoE, arXiv 2503.05641, aggregator choice), and are counted apart. Of
    the `lessons` behind the outcomes the last 5,000 are kept. The version is a hash of everything but the time, so the
    same outcomes give the same version.
    """
    asked, chaired = _by_expert(outcomes), _by_expert(syntheses)
    experts = {name: _profile(name, asked[name], chaired.get(name, ())) for name in sorted(asked)}
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


def is_measured(profiles: ProfileSet) -> bool:
    """Whether the profiles hold a measurement; `unmeasured` ones hold what feedback says at most."""
    return profiles.version != UNMEASURED


def _by_expert(outcomes: Iterable[Outcome]) -> Mapping[ExpertName, Sequence[Outcome]]:
    by_expert: dict[ExpertName, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_expert[outcome.expert].append(outcome)
    return by_expert


def _profile(name: ExpertName, outcomes: Sequence[Outcome], syntheses: Sequence[Outcome]) -> ExpertProfile:
    overall, skills = _counted(outcomes)
    synthesis, aptitude = _counted(syntheses)
    count = max(1, len(outcomes))
    return ExpertProfile(
        expert=name,
        skills=skills,
        overall=overall,
        mean_input_tokens=round(sum(outcome.input_tokens for outcome in outcomes) / count, 1),
        mean_output_tokens=round(sum(outcome.output_tokens for outcome in outcomes) / count, 1),
        mean_latency_s=round(sum(outcome.latency_s for outcome in outcomes) / count, 3),
        synthesis=synthesis,
        aptitude=aptitude,
    )


def _counted(outcomes: Sequence[Outcome]) -> tuple[Record, dict[SkillName, Record]]:
    overall = Record()
    skills: dict[SkillName, Record] = {}
    for outcome in outcomes:
        overall = overall.plus(outcome.correct)
        for skill in dict.fromkeys(outcome.skills):
            skills[skill] = skills.get(skill, Record()).plus(outcome.correct)
    return overall, {skill: skills[skill] for skill in sorted(skills)}
