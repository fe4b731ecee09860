"""The JSON shape of profiles, validated field by field, and the hash that names a version."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from core.ids import ExpertName, SkillName
from core.profiles import ExpertProfile, ProfileSet, Record
from core.skills import Skill

Count = Annotated[int, Field(ge=0, le=10**9)]
Amount = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


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
    examples: list[str] = []


class ExpertPart(_Part):
    """One expert's records and what its calls typically took."""

    overall: RecordPart
    skills: dict[Name, RecordPart]
    mean_input_tokens: Amount = 0.0
    mean_output_tokens: Amount = 0.0
    mean_latency_s: Amount = 0.0
    synthesis: RecordPart = RecordPart()


class ProfileDocument(_Part):
    """A whole profile set as a file."""

    format: Literal[1] = 1
    version: str
    pool: Name
    questions_id: str
    measured_at: AwareDatetime
    skills: list[SkillPart]
    experts: dict[Name, ExpertPart]


def document_of(profiles: ProfileSet) -> ProfileDocument:
    """Return the profiles in the shape of the file."""
    return ProfileDocument(
        version=profiles.version,
        pool=profiles.pool,
        questions_id=profiles.questions_id,
        measured_at=profiles.measured_at,
        skills=[
            SkillPart(name=s.name, aliases=list(s.aliases), parent=s.parent, examples=list(s.examples))
            for s in profiles.skills
        ],
        experts={name: _expert_part(profiles.experts[name]) for name in sorted(profiles.experts)},
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
    )


def digest(profiles: ProfileSet) -> str:
    """Return eight hexadecimal digits that change with anything the profiles say, but not with when they were made."""
    content = document_of(profiles).model_dump(mode="json", exclude={"version", "measured_at"})
    text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _expert_part(profile: ExpertProfile) -> ExpertPart:
    return ExpertPart(
        overall=_record_part(profile.overall),
        skills={skill: _record_part(profile.skills[skill]) for skill in sorted(profile.skills)},
        mean_input_tokens=profile.mean_input_tokens,
        mean_output_tokens=profile.mean_output_tokens,
        mean_latency_s=profile.mean_latency_s,
        synthesis=_record_part(profile.synthesis),
    )


def _record_part(record: Record) -> RecordPart:
    return RecordPart(wins=record.wins, losses=record.losses, declined=record.declined)


def _profile(name: str, part: ExpertPart) -> ExpertProfile:
    return ExpertProfile(
        expert=ExpertName(name),
        skills={SkillName(skill): _record(record) for skill, record in part.skills.items()},
        overall=_record(part.overall),
        mean_input_tokens=part.mean_input_tokens,
        mean_output_tokens=part.mean_output_tokens,
        mean_latency_s=part.mean_latency_s,
        synthesis=_record(part.synthesis),
    )


def _record(part: RecordPart) -> Record:
    return Record(part.wins, part.losses, part.declined)
