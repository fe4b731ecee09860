"""A small school: questions in two clusters, and four experts, each good in one of them and poor in the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from core.ids import ExpertName
from routing.clues import CLUES, OPTION_CLUES
from routing.lessons import Lessons
from routing.readings import Readings, Vectors
from routing.replies import REPLY_CLUES
from routing.schooling import Schooling, schooling_of
from routing.skills import unit
from routing.slate import Choice, Slate
from tests.routing.pool import profile, profile_set, slate, spec

EAST, WEST = 0, 1
NAMES = ("east-cheap", "east-dear", "west-cheap", "west-dear")
SKILL = np.array([[0.8, 0.9, 0.2, 0.4], [0.2, 0.4, 0.8, 0.9]])
COSTS = {"east-cheap": 100, "east-dear": 400, "west-cheap": 120, "west-dear": 600, "stranger": 50}
PROFILES = profile_set(
    profile("east-cheap", law=(48, 12), art=(12, 48)),
    profile("east-dear", law=(54, 6), art=(24, 36)),
    profile("west-cheap", law=(12, 48), art=(48, 12)),
    profile("west-dear", law=(24, 36), art=(54, 6)),
    profile("stranger", law=(3, 3)),
)
OPTIONS = 4
_DIMS = 8


def vectors(clusters: np.ndarray[tuple[int], np.dtype[np.intp]], seed: int = 0) -> Vectors:
    """Return unit vectors around the centres of the clusters, which are at right angles."""
    noise = np.random.default_rng(seed).normal(0, 0.15, (len(clusters), _DIMS))
    return unit((np.eye(2, _DIMS)[clusters] + noise).astype(np.float32))


def reading(cluster: int, *, choices: int = OPTIONS, seed: int = 1) -> Readings:
    """Return one question of a cluster."""
    return readings(vectors(np.array([cluster]), seed), choices)


def readings(meanings: Vectors, choices: int) -> Readings:
    """Return questions of which only the meaning tells anything."""
    count = len(meanings)
    return Readings(
        meanings,
        np.zeros((count, len(CLUES))),
        np.zeros((count, choices, len(OPTION_CLUES))),
        np.full(count, choices, np.intp),
    )


def lessons(count: int = 240, *, choices: int = OPTIONS, comparable: bool = True, seed: int = 0) -> Lessons:
    """Return questions with outcomes; whoever is wrong says some other option."""
    rng = np.random.default_rng(seed)
    topics = np.arange(count) % 2
    right = (rng.random((count, len(NAMES))) < SKILL[topics]).astype(np.float64)
    truth = rng.integers(0, OPTIONS, count)
    wrong = (truth[:, None] + rng.integers(1, OPTIONS, right.shape)) % OPTIONS
    return Lessons(
        experts=tuple(ExpertName(name) for name in NAMES),
        families=NAMES,
        readings=readings(vectors(topics, seed), choices),
        right=right,
        said=np.where(right > 0, truth[:, None], wrong) if comparable else np.full(right.shape, -1),
        price=np.tile([float(COSTS[name]) for name in NAMES], (count, 1)),
        words=np.full(right.shape, 50.0),
        replies=np.full((*right.shape, len(REPLY_CLUES)), np.nan),
        truth=truth,
        topics=topics,
    )


@cache
def schooling(comparable: bool = True) -> Schooling:
    """Return what the lessons teach."""
    return schooling_of(lessons(comparable=comparable))


def asked(
    cluster: int | None,
    *names: str,
    k: int = 1,
    budget: int | None = None,
    thrift: float = 0.0,
    costs: Mapping[str, int] = COSTS,
    sure: frozenset[str] = frozenset(),
    latency: Mapping[str, float] | None = None,
) -> Slate:
    """Return the slate of the experts, all four unless named, for a question of a cluster; `None` is one not read."""
    specs = [spec(name) for name in names or NAMES]
    made = slate(PROFILES, {"law": 0.6}, specs, costs=costs, k=k, budget=budget, sure=sure)
    waits = latency or {}
    return replace(
        made,
        candidates=tuple(replace(one, latency_s=waits.get(one.spec.name, 0.0)) for one in made.candidates),
        thrift=thrift,
        readings=None if cluster is None else reading(cluster),
    )


def panel(choice: Choice) -> list[str]:
    """Return who is asked."""
    return [seat.expert for seat in choice.panel]


def expected(choice: Choice) -> dict[str, float]:
    """Return the quality expected of each candidate."""
    return {seat.expert: seat.expected_quality for seat in (*choice.panel, *choice.passed)}


def whys(choice: Choice) -> dict[str, str]:
    """Return the reason of each candidate."""
    return {seat.expert: seat.why for seat in (*choice.panel, *choice.passed)}
