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
    """The panel and everything that led to it; one expert may have several seats when sampled with replacement.

    When it `may_grow`, more experts may be asked after the first were heard. `signals` are the
    cheap features the tagger saw, among them `core.skills.OUT_OF_DOMAIN`.
    """

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
    signals: tuple[str, ...] = ()
    may_grow: bool = False


@dataclass(frozen=True, slots=True)
class Ballot:
    """An answer that was given, and how likely it is right, in 0..1."""

    answer: str
    chance: float


@dataclass(frozen=True, slots=True)
class Considered:
    """What is made of the thoughts so far: the answers, likeliest first, and who is to be asked next, if anybody.

    There are no ballots where the thoughts cannot be compared.
    """

    ballots: tuple[Ballot, ...] = ()
    seats: tuple[Seat, ...] = ()
