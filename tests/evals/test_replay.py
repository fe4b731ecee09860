"""Replaying: side by side, the default recruiter does exactly what it does slate by slate, as it serves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evals.routing.classroom import Classroom, classroom, halves
from evals.routing.replay import Point, consult, replay, voted
from routing.recruiters import RECRUITERS
from routing.recruiters.conclave import Conclave
from tests.evals.recorded import items, material_of, recorded

POINTS = [
    Point("one", k=1),
    Point("all that are worth it", k=4),
    Point("default", k=4, stop_at=0.9, thrift=0.02),
    Point("thrifty", k=4, thrift=0.3),
    Point("soon sure", k=3, stop_at=0.6),
]


def room_of(folder: Path, silent: float = 0.0) -> Classroom:
    material = material_of(recorded(folder, items(silent=silent)))
    [(train, test)] = halves(len(material.lessons), 1)
    return classroom(material, train, test, 0)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    """Half of a pool in which everybody always answers."""
    return room_of(tmp_path_factory.mktemp("pool"))


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_side_by_side_is_slate_by_slate(room: Classroom, point: Point) -> None:
    together, alone = consult(room, point), replay(room, Conclave(room.schooling), point, 0)

    assert np.array_equal(together.heard, alone.heard)
    assert np.array_equal(together.right, alone.right)
    assert together.price == pytest.approx(alone.price)
    assert together.tokens == pytest.approx(alone.tokens)


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_a_reply_without_an_answer_is_heard_alike_by_both(tmp_path: Path, point: Point) -> None:
    silent = room_of(tmp_path, silent=0.3)

    together, alone = consult(silent, point), replay(silent, Conclave(silent.schooling), point, 0)
    assert np.array_equal(together.heard, alone.heard)
    assert np.array_equal(together.right, alone.right)


def test_somebody_is_always_heard_and_never_more_than_k(room: Classroom) -> None:
    for point in POINTS:
        seats = consult(room, point).seats
        assert seats.min() == 1
        assert seats.max() <= point.k


def test_the_subject_decides_who_is_heard(room: Classroom) -> None:
    first = consult(room, Point("one", k=1)).heard
    law = room.test.topics == room.material.topics.index("law")

    assert first[law][:, [0, 1]].any(axis=1).mean() > 0.8
    assert first[~law][:, [2, 3]].any(axis=1).mean() > 0.8


def test_all_experts_are_right_as_often_as_their_best_answer_at_most(room: Classroom) -> None:
    everybody = np.ones_like(room.test.right, bool)
    best = room.test.right.max(axis=1)

    assert (voted(room, everybody) <= best).all()
    assert (replay(room, RECRUITERS["all"].make(room.schooling), Point("all", k=4), 0).right <= best).all()
