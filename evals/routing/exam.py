"""One examination: every recruiter replayed on the test half of one split of one sub-pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from evals.routing.classroom import Classroom, classroom
from evals.routing.gains import oracle
from evals.routing.material import Material, blind
from evals.routing.points import CALLS, DEFAULT, SWEEP, points
from evals.routing.preference import PgrCurve, pgr_curve
from evals.routing.replay import Played, Point, clues_of, consult, replay, voted
from routing.readings import Flags, Numbers, Places
from routing.recruiters.contract import Method
from routing.recruiters.registry import RECRUITERS
from routing.recruiters.symbolic import trimmed
from routing.voting import nothing_heard

OURS: Final = "conclave"
SEATS: Final = 3
"""How many seats a baseline that chooses a panel may fill, as Symbolic-MoE does."""
BLIND: Final = Point("at most 5 calls, options unseen", k=CALLS)
"""Beside the hard cap: what is left when nothing is made of how options look, which is a trait of made-up choices."""
MAJORITY: Final = "majority of all"
SWEPT: Final = frozenset({"clusters", "neighbours", "two_step", "threshold", "cascade", "bandit"})
THRIFTS: Final = (0.1, 0.3)


@dataclass(frozen=True, slots=True)
class Sat:
    """What one recruiter, set in one way, made of the test questions; arrays are [questions] in the order of `rows`.

    `belief` is how likely its answers were taken to be right, where they were weighed.
    """

    recruiter: str
    point: str
    right: Numbers
    seats: Numbers
    price: Numbers
    tokens: Numbers
    experts: float
    belief: Numbers | None = None
    heard: Flags | None = None


@dataclass(frozen=True, slots=True)
class Examined:
    """One split: the questions tested, what every recruiter made of them, and curves where there are two experts.

    `foreseen` [questions, experts] is the quality foreseen of each expert before anybody was asked.
    """

    rows: Places
    sat: tuple[Sat, ...]
    curves: dict[str, PgrCurve]
    best: int
    foreseen: Numbers


def examine(material: Material, train: Places, test: Places, names: Sequence[str], seed: int) -> Examined:
    """Return what the named recruiters make of the test half after learning from the other."""
    room = classroom(material, train, test, seed)
    sat = [_reference(room, "oracle")]
    if room.schooling.school.comparable:
        sat.append(_reference(room, MAJORITY))
    for name in names:
        if name == OURS:
            if (material.lessons.readings.choices > 0).any():
                sat.append(_sat(name, BLIND.name, consult(classroom(blind(material), train, test, seed), BLIND)))
            serving = RECRUITERS[name].make(room.schooling)
            sat.append(_sat(name, DEFAULT.name, replay(room, serving, DEFAULT, seed), keep=True))
            sat += [_sat(name, point.name, consult(room, point)) for point in points(room)]
            sat += [_sat(name, f"thrift {thrift:g}", consult(room, _thrifty(room, thrift))) for thrift in SWEEP]
        else:
            sat += _baseline(room, name, RECRUITERS[name], seed)
    return Examined(test, tuple(sat), _curves(room), room.best, room.schooling.foresight.quality(room.test.readings))


def _thrifty(room: Classroom, thrift: float) -> Point:
    return Point(f"thrift {thrift:g}", k=room.test.right.shape[1], thrift=thrift)


def _baseline(room: Classroom, name: str, method: Method, seed: int) -> list[Sat]:
    recruiter = method.make(room.schooling)
    plain = Point("default", k=SEATS)
    mend = trimmed if name == "symbolic" else None
    found = [_sat(name, plain.name, replay(room, recruiter, plain, seed, mend), keep=True)]
    if name in SWEPT:
        for thrift in THRIFTS:
            point = replace(plain, name=f"thrift {thrift:g}", thrift=thrift)
            found.append(_sat(name, point.name, replay(room, method.make(room.schooling), point, seed)))
    return found


def _sat(name: str, point: str, played: Played, *, keep: bool = False) -> Sat:
    distinct = float(played.heard.any(axis=0).sum())
    heard = played.heard if keep else None
    return Sat(name, point, played.right, played.seats, played.price, played.tokens, distinct, played.belief, heard)


def _reference(room: Classroom, name: str) -> Sat:
    asked = ~np.isnan(room.test.right)
    everybody = asked.sum(axis=1).astype(np.float64)
    price, tokens = (np.nan_to_num(array).sum(axis=1) for array in (room.test.price, room.test_tokens))
    if name == "oracle":
        # The best outcome there is, at the least price it is had for.
        best = oracle(room.test.right)
        had = np.where(room.test.right == best[:, None], np.nan_to_num(room.test.price), np.inf).min(axis=1)
        return Sat(name, "hindsight", best, np.ones(len(best)), had, np.zeros(len(best)), float(asked.shape[1]))
    return Sat(name, "unweighted", voted(room, asked), everybody, price, tokens, float(asked.shape[1]))


def _curves(room: Classroom) -> dict[str, PgrCurve]:
    """Return how much of the gap between a named weak and strong expert is recovered, by share of strong calls."""
    weak, strong = room.material.weak, room.material.strong
    if weak is None or strong is None:
        return {}
    right = np.nan_to_num(room.test.right)
    quality = room.schooling.foresight.quality(room.test.readings)
    scores = {"threshold": quality[:, strong] - quality[:, weak], OURS: _after_weak(room, quality, weak, strong)}
    return {name: pgr_curve(score, right[:, weak], right[:, strong]) for name, score in scores.items()}


def _after_weak(room: Classroom, quality: Numbers, weak: int, strong: int) -> Numbers:
    """Return how much the strong expert is missed once the weak one was heard."""
    lessons = room.test
    clues = clues_of(room, lessons)
    hearing = nothing_heard(*quality.shape)
    rows = np.arange(len(quality))
    hearing = hearing.plus(rows, np.full(len(rows), weak), lessons.said[:, weak], clues[:, weak])
    looks = room.schooling.school.looks(quality, hearing)
    return looks[:, strong] - looks[:, weak]
