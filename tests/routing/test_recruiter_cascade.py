"""The cascade: cheap experts first, the strong one when what they say is not to be believed."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy.special import expit

from routing.recruiters.cascade import Cascade, agreement, gate_of
from routing.recruiters.contract import Heard
from routing.slate import Slate
from routing.voting import HEARD_CLUES
from tests.routing.schooled import EAST, WEST, asked, lessons, panel, schooling, whys

THREE = ("east-cheap", "west-cheap", "west-dear")
ONE, TWO = np.array([[2.0, 0, 0, 0]]), np.array([[1.0, 1, 0, 0]])


def heard(slate: Slate, **said: int) -> list[Heard]:
    places = {candidate.spec.name: at for at, candidate in enumerate(slate.candidates)}
    return [
        Heard(places[name.replace("_", "-")], answer, np.zeros(HEARD_CLUES))  # type: ignore[index]  # names are plain
        for name, answer in said.items()
    ]


def test_the_cheap_ones_are_heard_first_and_cost_no_more_than_the_strong_one() -> None:
    choice = Cascade(schooling()).recruit(asked(EAST, *THREE, k=4), random.Random(0))

    assert panel(choice) == ["east-cheap", "west-cheap"]
    assert whys(choice)["east-cheap"].startswith("cheap enough to hear first: foreseen 0.")
    assert whys(choice)["west-dear"].startswith("asked if the cheap ones are not believed: ")


def test_agreement_is_believed_and_disagreement_calls_the_strong_one() -> None:
    cascade, slate = Cascade(schooling()), asked(WEST, *THREE, k=4, thrift=0.3)

    agreed = cascade.more(slate, heard(slate, east_cheap=0, west_cheap=0), random.Random(0))
    torn = cascade.more(slate, heard(slate, east_cheap=0, west_cheap=1), random.Random(0))

    assert agreed is None
    assert torn is not None
    assert panel(torn) == ["west-dear"]
    assert torn.panel[0].why.startswith("the cheap answers are right by a chance of 0.")


def test_nobody_is_asked_after_the_strong_one() -> None:
    cascade, slate = Cascade(schooling()), asked(WEST, *THREE, k=4)

    assert cascade.more(slate, heard(slate, east_cheap=0, west_cheap=1, west_dear=2), random.Random(0)) is None


def test_thrift_lets_doubtful_answers_stand() -> None:
    cascade, slate = Cascade(schooling()), asked(WEST, *THREE, k=4, thrift=5.0)

    assert cascade.more(slate, heard(slate, east_cheap=0, west_cheap=1), random.Random(0)) is None


def test_dispersions_are_those_of_mowst() -> None:
    votes = np.array([[3.0, 0, 0, 0], [1, 1, 1, 1], [2, 1, 0, 0], [0, 0, 0, 0]])
    # For 2 : 1 of 4 answers: (4/9 + 1/9 - 1/4) / (3/4), and 1 - H / log 4 with H of (2/3, 1/3).
    entropy = -(2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3))

    found = agreement(votes, np.full(4, 4))

    assert found.ravel().tolist() == pytest.approx([1, 1, 0, 0, 11 / 27, 1 - entropy / np.log(4), 0, 0])


def test_the_gate_tells_how_often_such_agreement_was_right() -> None:
    taught = lessons(2000)
    gate = gate_of(taught, (0, 2))
    same = taught.said[:, 0] == taught.said[:, 2]
    split = ~same & (taught.right[:, [0, 2]] > 0).any(axis=1)

    agreed, torn = (float(expit(gate @ [1.0, *agreement(votes, np.array([4]))[0]])) for votes in (ONE, TWO))

    assert agreed == pytest.approx(taught.right[same, 0].mean(), abs=0.03)
    # Of two that disagree at most one is right, and a coin says which.
    assert torn == pytest.approx(split.sum() / (~same).sum() / 2, abs=0.03)


def test_where_answers_cannot_be_compared_foresight_decides() -> None:
    cascade = Cascade(schooling(comparable=False))

    for cluster, name in ((WEST, "west_cheap"), (EAST, "east_cheap")):
        slate = asked(cluster, *THREE, k=3)
        estimate = cascade.schooling.foresight.quality(slate.readings)[0]  # type: ignore[union-attr, arg-type]  # given
        cheap = {"east_cheap": estimate[0], "west_cheap": estimate[2]}
        more = cascade.more(slate, heard(slate, east_cheap=-1, west_cheap=-1), random.Random(0))
        assert (more is None) == (max(cheap.values()) == cheap[name] >= estimate[3])


def test_without_lessons_only_agreement_counts() -> None:
    cascade, slate = Cascade(None), asked(EAST, "stranger", "east-cheap", "east-dear", k=3)

    assert panel(cascade.recruit(slate, random.Random(0))) == ["stranger", "east-cheap"]
    assert cascade.more(slate, heard(slate, stranger=1, east_cheap=1), random.Random(0)) is None
    assert cascade.more(slate, heard(slate, stranger=1, east_cheap=2), random.Random(0)) is not None


def test_where_nobody_answered_the_strong_one_is_asked() -> None:
    slate = asked(WEST, *THREE, k=4)

    more = Cascade(schooling()).more(slate, [], random.Random(0))

    assert more is not None
    assert panel(more) == ["west-dear"]


def test_with_room_for_one_seat_the_best_value_is_asked_at_once() -> None:
    cascade, slate = Cascade(schooling()), asked(EAST, k=1)

    assert panel(cascade.recruit(slate, random.Random(0))) == ["east-dear"]
    assert cascade.more(slate, heard(slate, east_dear=2), random.Random(0)) is None
