"""Replaying: what a recruiter would have done on recorded questions, by the code that serves live ones."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from core.ids import ExpertName
from evals.routing.classroom import Classroom
from routing.consulting import Consultation
from routing.lessons import Lessons
from routing.readings import Flags, Numbers
from routing.recruiters.conclave import WORTHWHILE
from routing.recruiters.contract import Heard, Recruiter
from routing.slate import Choice
from routing.teaching import heard_clues
from routing.voting import Hearing, nothing_heard

_MOST: Final = 256

Mend = Callable[[Sequence[tuple[ExpertName, ...]], Sequence[ExpertName], random.Random], list[tuple[ExpertName, ...]]]
"""A rule over the panels of a batch, given all its experts."""


@dataclass(frozen=True, slots=True)
class Point:
    """How a recruiter is set: at most `k` calls, enough at `stop_at`, and `thrift`, the worth of the usual price."""

    name: str
    k: int
    stop_at: float = 1.0
    thrift: float = 0.0


@dataclass(frozen=True, slots=True)
class Played:
    """What became of every question: how right the answer was, who was heard [questions, experts], and how often.

    `seats` [questions] counts calls: an expert drawn twice is called twice. `belief` [questions] is how likely the vote
    took its answer to be right, in 0..1.
    """

    right: Numbers
    heard: Flags
    seats: Numbers
    price: Numbers
    tokens: Numbers
    belief: Numbers


def replay(room: Classroom, recruiter: Recruiter, point: Point, seed: int, mend: Mend | None = None) -> Played:
    """Return what the recruiter does on the test questions, slate by slate; answers are made by the learned vote.

    `mend` changes the panels of all the questions together, as a rule over a batch does.
    """
    clues = clues_of(room, room.test)
    panels = [_panel(room, recruiter, point, row, clues[row], seed) for row in range(len(room.test))]
    if mend is not None:
        panels = mend(panels, room.test.experts, random.Random(seed))
    columns = {expert: at for at, expert in enumerate(room.test.experts)}
    seats = np.zeros(room.test.right.shape)
    for row, panel in enumerate(panels):
        for expert in panel:
            seats[row, columns[expert]] += 1
    seats = np.where(np.isnan(room.test.right), 0.0, seats)
    heard = seats > 0
    hearing = Hearing(heard, np.where(heard, room.test.said, -1), np.where(heard[:, :, None], clues, 0.0))
    return _played(room, hearing, seats)


def _panel(
    room: Classroom, recruiter: Recruiter, point: Point, row: int, clues: Numbers, seed: int
) -> tuple[ExpertName, ...]:
    """Return who was asked one question, in order, as often as it was."""
    rng = random.Random(f"{seed}/{row}")
    slate = room.slate(row, k=min(point.k, len(room.candidates)), stop_at=point.stop_at, thrift=point.thrift)
    columns = {expert: at for at, expert in enumerate(room.test.experts)}
    places = {candidate.spec.name: at for at, candidate in enumerate(slate.candidates)}
    heard: list[Heard] = []
    asked: list[ExpertName] = []
    choice: Choice | None = recruiter.recruit(slate, rng)
    while choice is not None and len(asked) < _MOST:
        for seat in choice.panel:
            column = columns[seat.expert]
            asked.append(seat.expert)
            heard.append(Heard(places[seat.expert], int(room.test.said[row, column]), clues[column]))
        choice = recruiter.more(slate, heard, rng) if choice.panel else None
    return tuple(asked)


def consult(room: Classroom, point: Point, lessons: Lessons | None = None, quality: Numbers | None = None) -> Played:
    """Return what the default recruiter does, all questions side by side: the same arithmetic, a thousand at a time.

    Given `lessons` and the quality foreseen for them, those are replayed instead of the test questions: to set it up.
    """
    lessons = lessons or room.test
    quality = room.schooling.foresight.quality(lessons.readings) if quality is None else quality
    clues = clues_of(room, lessons)
    table = _table(room, lessons, quality, point)
    hearing = nothing_heard(*quality.shape)
    going = np.ones(len(quality), bool)
    for called in range(min(point.k, quality.shape[1])):
        worth = table.worth(hearing)
        going &= np.isfinite(worth.max(axis=1))
        if called:
            going &= (table.standing(hearing).belief < point.stop_at) & (worth.max(axis=1) > 0)
        rows = np.flatnonzero(going)
        if not len(rows):
            break
        columns = worth[rows].argmax(axis=1)
        hearing = hearing.plus(rows, columns, lessons.said[rows, columns], clues[rows, columns])
    return _played(room, hearing, hearing.heard.astype(np.float64), lessons, quality)


def clues_of(room: Classroom, lessons: Lessons) -> Numbers:
    """Return what is known of each reply once it is heard, [questions, experts, heard clues]."""
    foresight = room.schooling.foresight
    expected = foresight.log_words(lessons.readings)
    return heard_clues(lessons.words, lessons.replies, expected, foresight.words.spread, room.schooling.school.usual)


def voted(room: Classroom, panel: Flags) -> Numbers:
    """Return how right a plain majority of the panel [questions, experts] is; ties count as their mean."""
    said = np.where(panel, room.test.said, -1)
    right = np.zeros(len(said))
    for row in range(len(said)):
        given, counts = np.unique(said[row][said[row] >= 0], return_counts=True)
        leaders = given[counts == counts.max()] if len(given) else []
        right[row] = np.mean([_rightness(room.test, row, int(answer)) for answer in leaders]) if len(leaders) else 0.0
    return right


def _played(
    room: Classroom, hearing: Hearing, seats: Numbers, lessons: Lessons | None = None, quality: Numbers | None = None
) -> Played:
    ours = lessons is None or lessons is room.test
    lessons = lessons or room.test
    quality = room.schooling.foresight.quality(lessons.readings) if quality is None else quality
    thought = _table(room, lessons, quality, Point("", k=1)).standing(hearing)
    rows = np.arange(len(quality))
    if room.schooling.school.comparable:
        given = hearing.heard & (lessons.said == thought.leading[:, None])
        right = np.where(given & (thought.belief > 0)[:, None], np.nan_to_num(lessons.right), 0.0).max(axis=1)
    else:
        right = np.nan_to_num(lessons.right[rows, thought.leading])
    tokens = room.test_tokens if ours else np.zeros_like(lessons.price)
    return Played(
        right,
        hearing.heard,
        seats.sum(axis=1),
        (np.nan_to_num(lessons.price) * seats).sum(axis=1),
        (np.nan_to_num(tokens) * seats).sum(axis=1),
        thought.belief,
    )


def _table(room: Classroom, lessons: Lessons, quality: Numbers, point: Point) -> Consultation:
    asked = ~np.isnan(lessons.right)
    able = asked & (quality >= WORTHWHILE * np.where(asked, quality, 0.0).max(axis=1, keepdims=True))
    prices = np.broadcast_to(room.prices, quality.shape)
    return Consultation(room.schooling.school, lessons.readings, quality, prices, able, point.thrift)


def _rightness(lessons: Lessons, row: int, answer: int) -> float:
    return float(np.nan_to_num(lessons.right[row])[lessons.said[row] == answer].max(initial=0.0))
