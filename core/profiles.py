"""Profiles: what was measured about each expert, skill by skill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from core.ids import ExpertName, SkillName
from core.money import FREE, Micros
from core.skills import Skill

MOST_LESSONS: Final = 5_000
"""How many lessons a profile set holds at most, the newest: what learns from them does so in seconds."""


@dataclass(frozen=True, slots=True)
class Record:
    """Wins and losses on checked questions, with a Beta(1,1) prior on the rate of winning.

    A question that was declined is neither: it lowers how often an answer is to be expected, not how good one is.
    """

    wins: int = 0
    losses: int = 0
    declined: int = 0

    @property
    def seen(self) -> int:
        """Return how many questions were answered, well or badly."""
        return self.wins + self.losses

    @property
    def asked(self) -> int:
        """Return how many questions were put, the declined ones included."""
        return self.seen + self.declined

    @property
    def net(self) -> int:
        """Return wins minus losses: the profile value of Symbolic-MoE (arXiv 2503.05641, section 3.2)."""
        return self.wins - self.losses

    @property
    def mean(self) -> float:
        """Return the posterior mean of the rate of winning under a Beta(1,1) prior."""
        return (self.wins + 1) / (self.seen + 2)

    @property
    def coverage(self) -> float:
        """Return how likely an answer is at all, in 0..1; 1 for who was never seen to decline."""
        return (self.seen + 1) / (self.asked + 1)

    @property
    def quality(self) -> float:
        """Return how likely a right answer is: that one comes, times that it is right when it comes."""
        return self.coverage * self.mean

    def plus(self, won: bool | None) -> Record:
        """Return the record with one more question: won, lost, or declined (`None`)."""
        if won is None:
            return Record(self.wins, self.losses, self.declined + 1)
        return Record(self.wins + won, self.losses + (not won), self.declined)


@dataclass(frozen=True, slots=True)
class ExpertProfile:
    """One expert's records by skill, over all questions, and what a call of it typically took.

    `synthesis` counts how often it wrote a right answer from mixed thoughts, `aptitude` the same by top-level skill.
    """

    expert: ExpertName
    skills: Mapping[SkillName, Record]
    overall: Record
    mean_input_tokens: float = 0.0
    mean_output_tokens: float = 0.0
    mean_latency_s: float = 0.0
    synthesis: Record = Record()
    aptitude: Mapping[SkillName, Record] = field(default_factory=dict)

    def on(self, skill: SkillName) -> Record:
        """Return the record on `skill`; empty when it was never seen."""
        return self.skills.get(skill, Record())


@dataclass(frozen=True, slots=True)
class LiveRecord:
    """Verdicts on answers given in service, each counted by its weight and the less the older it is.

    `expected` is how many wins what was measured let expect of them.
    """

    wins: float = 0.0
    losses: float = 0.0
    expected: float = 0.0

    def plus(self, right: float, expected: float, weight: float) -> LiveRecord:
        """Return the record with one more verdict: how right the answer was, and was to be expected, in 0..1."""
        return LiveRecord(
            self.wins + weight * right, self.losses + weight * (1 - right), self.expected + weight * expected
        )


@dataclass(frozen=True, slots=True)
class LiveProfile:
    """What verdicts say of one expert, by skill and overall, beside what was measured of it."""

    skills: Mapping[SkillName, LiveRecord] = field(default_factory=dict)
    overall: LiveRecord = LiveRecord()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question put to one expert.

    `correct` is how right the reply was, in 0..1, and `None` when the expert declined. `answer` is the reply's answer
    in the form in which answers are voted on, and nothing when it has none.
    """

    correct: float | None
    answer: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Micros = FREE
    latency_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """One checked question as the experts were asked it, the skills it needs, and what became of it for each of them.

    An expert that was not asked has no outcome.
    """

    question: str
    skills: tuple[SkillName, ...]
    outcomes: Mapping[ExpertName, Outcome]


@dataclass(frozen=True, slots=True)
class ProfileSet:
    """The measured profiles of a pool's experts, tied to the question set they were measured on.

    `version` is a short hash of the contents; `questions_id` one of the question set. `lessons` are the single
    questions behind the counts, the oldest first: at most `MOST_LESSONS` of them, and none where only counts are known.

    `live` is what verdicts in service say as of `live_at`. It is no part of the version, nor of what is stored or
    exported: it is counted from the feedback log, and passes while what was measured stays.
    """

    version: str
    pool: str
    questions_id: str
    measured_at: datetime
    skills: tuple[Skill, ...]
    experts: Mapping[ExpertName, ExpertProfile] = field(default_factory=dict)
    lessons: tuple[Lesson, ...] = ()
    live: Mapping[ExpertName, LiveProfile] = field(default_factory=dict)
    live_at: datetime | None = None

    def of(self, expert: ExpertName) -> ExpertProfile:
        """Return the profile of `expert`; an empty one when it was not measured."""
        return self.experts.get(expert) or ExpertProfile(expert, {}, Record())
