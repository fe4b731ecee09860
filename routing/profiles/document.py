"""The JSON shape of profiles, validated field by field, and the hash that names a version.

Format 2 adds lessons and aptitudes. What holds neither is written as format 1, so that its version stays what it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from core.ids import ExpertName, SkillName
from core.money import Micros
from core.profiles import MOST_LESSONS, ExpertProfile, Lesson, Outcome, ProfileSet, Record
from core.skills import Skill

# PostgreSQL cannot keep NUL, and nobody means it.
_NO_NUL: Final = r"^[^\x00]*$"

Count = Annotated[int, Field(ge=0, le=10**9)]
Amount = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Text = Annotated[str, Field(pattern=_NO_NUL)]
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=_NO_NUL)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RecordPart(_Part):
    """Counts of one expert on one skill."""

    wins: Count = 0
    losses: Count = 0
    declined: Count = 0


class SkillPart(_Part):
    """A skill and the texts it is found by."""

    name: Name
    aliases: list[Name] = []
    parent: Name | None = None
    examples: list[Text] = []


class ExpertPart(_Part):
    """One expert's records and what its calls typically took."""

    overall: RecordPart
    skills: dict[Name, RecordPart]
    mean_input_tokens: Amount = 0.0
    mean_output_tokens: Amount = 0.0
    mean_latency_s: Amount = 0.0
    synthesis: RecordPart = RecordPart()
    aptitude: dict[Name, RecordPart] = {}


class OutcomePart(NamedTuple):
    """What became of a question for one expert, as a row: a file holds tens of thousands of them."""

    correct: Share | None
    answer: Text | None
    input_tokens: Count
    output_tokens: Count
    cost_micros: Count
    latency_s: Amount


class LessonPart(_Part):
    """One question with a row for each expert that was asked it."""

    question: Text
    skills: list[Name]
    outcomes: dict[Name, OutcomePart]


class ProfileDocument(_Part):
    """A whole profile set as a file."""

    format: Literal[1, 2]
    version: Text
    pool: Name
    questions_id: Text
    measured_at: AwareDatetime
    skills: list[SkillPart]
    experts: dict[Name, ExpertPart]
    lessons: Annotated[list[LessonPart], Field(max_length=MOST_LESSONS)] = []

    @model_validator(mode="after")
    def _format_is_the_oldest_that_can_say_it(self) -> ProfileDocument:
        says_more = bool(self.lessons) or any(part.aptitude for part in self.experts.values())
        if says_more != (self.format == 2):
            raise ValueError("format is 2 with lessons or aptitudes, and 1 without")
        return self


def json_of(document: ProfileDocument) -> dict[str, object]:
    """Return the document as plain JSON values, without what its format does not know."""
    values = document.model_dump(mode="json")
    if document.format == 1:
        del values["lessons"]
        for part in values["experts"].values():
            del part["aptitude"]
    return values


def document_of(profiles: ProfileSet) -> ProfileDocument:
    """Return the profiles in the shape of the file."""
    says_more = bool(profiles.lessons) or any(profile.aptitude for profile in profiles.experts.values())
    return ProfileDocument(
        format=2 if says_more else 1,
        version=profiles.version,
        pool=profiles.pool,
        questions_id=profiles.questions_id,
        measured_at=profiles.measured_at,
        skills=[
            SkillPart(name=s.name, aliases=list(s.aliases), parent=s.parent, examples=list(s.examples))
            for s in profiles.skills
        ],
        experts={name: _expert_part(profiles.experts[name]) for name in sorted(profiles.experts)},
        lessons=[_lesson_part(lesson) for lesson in profiles.lessons],
    )


def profiles_of(document: ProfileDocument) -> ProfileSet:
    """Return the profiles that a file holds."""
    return ProfileSet(
        version=document.version,
        pool=document.pool,
        questions_id=document.questions_id,
        measured_at=document.measured_at,
        skills=tuple(
            Skill(SkillName(s.name), tuple(s.aliases), SkillName(s.parent) if s.parent else None, tuple(s.examples))
            for s in document.skills
        ),
        experts={ExpertName(name): _profile(name, part) for name, part in document.experts.items()},
        lessons=tuple(_lesson(part) for part in document.lessons),
    )


def digest(profiles: ProfileSet) -> str:
    """Return eight hexadecimal digits that change with anything the profiles say, but not with when they were made."""
    content = json_of(document_of(profiles))
    del content["version"], content["measured_at"]
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _expert_part(profile: ExpertProfile) -> ExpertPart:
    return ExpertPart(
        overall=_record_part(profile.overall),
        skills=_record_parts(profile.skills),
        mean_input_tokens=profile.mean_input_tokens,
        mean_output_tokens=profile.mean_output_tokens,
        mean_latency_s=profile.mean_latency_s,
        synthesis=_record_part(profile.synthesis),
        aptitude=_record_parts(profile.aptitude),
    )


def _lesson_part(lesson: Lesson) -> LessonPart:
    rows = {
        name: OutcomePart(its.correct, its.answer, its.input_tokens, its.output_tokens, its.cost, its.latency_s)
        for name, its in lesson.outcomes.items()
    }
    return LessonPart(
        question=lesson.question, skills=list(lesson.skills), outcomes={name: rows[name] for name in sorted(rows)}
    )


def _record_parts(records: Mapping[SkillName, Record]) -> dict[str, RecordPart]:
    return {skill: _record_part(records[skill]) for skill in sorted(records)}


def _record_part(record: Record) -> RecordPart:
    return RecordPart(wins=record.wins, losses=record.losses, declined=record.declined)


def _profile(name: str, part: ExpertPart) -> ExpertProfile:
    return ExpertProfile(
        expert=ExpertName(name),
        skills=_records(part.skills),
        overall=_record(part.overall),
        mean_input_tokens=part.mean_input_tokens,
        mean_output_tokens=part.mean_output_tokens,
        mean_latency_s=part.mean_latency_s,
        synthesis=_record(part.synthesis),
        aptitude=_records(part.aptitude),
    )


def _lesson(part: LessonPart) -> Lesson:
    return Lesson(
        question=part.question,
        skills=tuple(map(SkillName, part.skills)),
        outcomes={
            ExpertName(name): Outcome(
                row.correct, row.answer, row.input_tokens, row.output_tokens, Micros(row.cost_micros), row.latency_s
            )
            for name, row in part.outcomes.items()
        },
    )


def _records(parts: Mapping[str, RecordPart]) -> dict[SkillName, Record]:
    return {SkillName(skill): _record(part) for skill, part in parts.items()}


def _record(part: RecordPart) -> Record:
    return Record(part.wins, part.losses, part.declined)
