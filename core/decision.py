"""The router's record: what was considered, who was chosen, who was not, and why."""

from __future__ import annotations

from dataclasses import dataclass

from core.ids import DecisionId, ExpertName
from core.money import FREE, Micros
from core.skills import SkillTag


@dataclass(frozen=True, slots=True)
class Seat:
    """An expert considered; `score` orders candidates, `why` is one readable line."""

    expert: ExpertName
    score: float
    expected_quality: float
    expected_cost: Micros
    why: str


@dataclass(frozen=True, slots=True)
class Exclusion:
    """An expert that could not be considered, with the reason."""

    expert: ExpertName
    why: str


@dataclass(frozen=True, slots=True)
class Decision:
    """The panel and everything that led to it; one expert may have several seats when sampled with replacement."""

    id: DecisionId
    router: str
    skills: tuple[SkillTag, ...]
    panel: tuple[Seat, ...]
    passed: tuple[Seat, ...]
    excluded: tuple[Exclusion, ...]
    aggregator: ExpertName | None
    strategy: str
    profile_version: str
    config_version: str
    expected_quality: float = 0.0
    expected_cost: Micros = FREE
    tagger: str = ""
    seed: int | None = None
