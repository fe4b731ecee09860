"""Skills: short canonical phrases a query needs and an expert shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.ids import SkillName

OUT_OF_DOMAIN: Final = "out-of-domain"
"""The signal of a query that is like none of the skills a profile set knows: only overall records speak of it."""


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

    @property
    def in_domain(self) -> bool:
        """Whether the query was not found to be unlike every skill known; true too where nothing could be compared."""
        return OUT_OF_DOMAIN not in self.signals
