"""The contract every recruiter keeps, and how each is told apart: when it decides, by what, and what it must learn."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from routing.readings import Numbers
from routing.schooling import Schooling
from routing.slate import Choice, Slate


class Timing(StrEnum):
    """Whether a recruiter decides before anything is generated, or goes on deciding after replies were heard."""

    BEFORE = "before"
    AFTER = "after"


class Training(StrEnum):
    """What a recruiter learns from: nothing, counts by skill, single questions and outcomes, or verdicts as it goes."""

    NONE = "none"
    PROFILE = "profile"
    LESSONS = "lessons"
    FEEDBACK = "feedback"


@dataclass(frozen=True, slots=True)
class Traits:
    """What a recruiter is: `family` as surveys sort them, `cold_start` what it does with nothing learned."""

    name: str
    timing: Timing
    family: str
    training: Training
    cold_start: str
    source: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A reply that was heard: the candidate's place on the slate, the number of its answer (-1: none), its clues."""

    at: int
    said: int
    clues: Numbers


class Recruiter(Protocol):
    """Chooses at most `slate.k` seats from a slate that has a candidate; all chance comes from the generator given."""

    def recruit(self, slate: Slate, rng: random.Random) -> Choice:
        """Return who is asked first, and who was passed over, every candidate with its reason."""
        ...

    def more(self, slate: Slate, heard: Sequence[Heard], rng: random.Random) -> Choice | None:
        """Return who is asked next after what was heard, or nothing when that is enough."""
        ...


class Settled:
    """A recruiter that is done once it has recruited."""

    def more(self, slate: Slate, heard: Sequence[Heard], rng: random.Random) -> Choice | None:  # noqa: ARG002 (port)
        """Return nothing: the first choice stands."""
        return None


@dataclass(frozen=True, slots=True)
class Rule(Settled):
    """A recruiter that is one function of the slate, whatever was learned."""

    choose: Callable[[Slate, random.Random], Choice]

    def recruit(self, slate: Slate, rng: random.Random) -> Choice:
        """Return what the rule makes of the slate."""
        return self.choose(slate, rng)


Make = Callable[[Schooling | None], Recruiter]
"""Makes a recruiter of what was learned of its pool's experts; of nothing learned, the cold start."""


@dataclass(frozen=True, slots=True)
class Method:
    """A recruiter that can be had: its traits, and how it is made."""

    traits: Traits
    make: Make
