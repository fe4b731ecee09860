"""Listening: answers are numbered so that they can be voted on, and each expert has one say."""

from __future__ import annotations

import numpy as np
import pytest

from core.ids import ExpertName
from core.thoughts import Part, Thought
from core.usage import Usage
from routing.consulting import School
from routing.listening import ballots_of, heard_of, manner_of, numbered
from routing.readings import Asking
from routing.recruiters.conclave import Conclave
from tests.routing.schooled import EAST, asked, schooling

OPEN = Asking("How many?")
FOUR = Asking("Which?", ("one", "two", "three", "four"))


def thought(expert: str, answer: str, *, comparable: bool = True, tokens: int = 50, **fields: object) -> Thought:
    """Return a thought that can be compared unless said otherwise."""
    filled: dict[str, object] = {"usage": Usage(output_tokens=tokens), "comparable": comparable, **fields}
    return Thought(ExpertName(expert), f"It is {answer}.", answer, 0.5, **filled)  # type: ignore[arg-type]  # by name


def test_an_option_is_numbered_by_its_place_whoever_spoke_first() -> None:
    assert numbered(FOUR, [thought("a", "C"), thought("b", "A")]) == {"C": 2, "A": 0}


def test_a_letter_that_was_not_offered_has_no_number() -> None:
    assert numbered(FOUR, [thought("a", "E"), thought("b", "maybe"), thought("c", "D")]) == {"D": 3}


def test_answers_to_an_open_question_are_numbered_as_they_came() -> None:
    thoughts = [thought("a", "12"), thought("b", "7"), thought("c", "12"), thought("d", "a poem", comparable=False)]

    assert numbered(OPEN, thoughts) == {"12": 0, "7": 1}


def test_the_first_thought_of_each_candidate_is_heard() -> None:
    slate = asked(EAST)
    thoughts = [thought("east-dear", "B"), thought("west-cheap", "Z"), thought("east-dear", "C")]

    assert [(one.at, one.said) for one in heard_of(slate, FOUR, thoughts, None)] == [(1, 1), (2, -1)]


@pytest.mark.parametrize(
    "unheard",
    [
        thought("east-dear", "A", declined="cannot"),
        thought("east-dear", "A", error="timed out"),
        thought("east-dear", "A", role=Part.AGGREGATOR),
        thought("somebody else", "A"),
    ],
)
def test_whoever_declined_failed_or_sat_on_no_panel_is_not_heard(unheard: Thought) -> None:
    assert heard_of(asked(EAST), FOUR, [unheard], None) == []


def test_a_reply_of_unusual_length_surprises_and_one_of_unknown_length_does_not() -> None:
    slate = asked(EAST)
    manner = manner_of(slate, schooling())
    assert manner is not None

    usual, long, unknown = (
        heard_of(slate, FOUR, [thought("east-dear", "A", tokens=tokens)], manner)[0].clues for tokens in (50, 5000, 0)
    )

    assert abs(usual[0]) < 0.1 < long[0]
    assert unknown[0] == 0
    assert all(np.isfinite(clues).all() for clues in (usual, long, unknown))


def test_nothing_learned_or_nothing_read_expects_no_manner() -> None:
    assert manner_of(asked(EAST), None) is None
    assert manner_of(asked(None), schooling()) is None


def taken(*thoughts: Thought, asking: Asking = FOUR) -> list[tuple[str, float]]:
    slate, recruiter = asked(EAST), Conclave(schooling())
    heard = heard_of(slate, asking, thoughts, None)
    ballots = ballots_of(asking, thoughts, recruiter.thought(slate, heard), recruiter.school(slate, heard))
    return [(ballot.answer, ballot.chance) for ballot in ballots]


def test_ballots_are_the_answers_given_the_likeliest_first() -> None:
    found = taken(thought("west-dear", "A"), thought("east-dear", "C"), thought("east-cheap", "C"))

    assert [answer for answer, _ in found] == ["C", "A"]
    assert found[0][1] > found[1][1] > 0
    assert sum(chance for _, chance in found) <= 1


def test_thoughts_that_cannot_be_compared_cast_no_ballots() -> None:
    assert taken(thought("east-dear", "a poem", comparable=False)) == []


def test_a_school_that_compares_nothing_has_no_ballots() -> None:
    school: School = schooling(comparable=False).school
    thoughts = [thought("east-dear", "A")]
    standing = Conclave(schooling()).thought(asked(EAST), heard_of(asked(EAST), FOUR, thoughts, None))

    assert ballots_of(FOUR, thoughts, standing, school) == ()
