"""Skills: short canonical phrases a query needs and an expert shows."""

from __future__ import annotations

from dataclasses import dataclass

from core.ids import SkillName


@dataclass(frozen=True, slots=True)
class Skill:
    """A canonical skill with other phrasings of it and example texts that need it, by which it is found."""

    name: SkillName
    aliases: tuple[str, ...] = ()
    parent: SkillName | None = None
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SkillTag:
    """A skill a query needs, with how strongly it was recognised, in 0..1."""

    name: SkillName
    weight: float


@dataclass(frozen=True, slots=True)
class Tags:
    """What the tagger made of a query; `source` names the tagger, `signals` the cheap features it saw."""

    skills: tuple[SkillTag, ...]
    source: str
    signals: tuple[str, ...] = ()
