"""Promises about reading comparable answers out of experts' words."""

from __future__ import annotations

import pytest

from agents.reading import normalise, short_answer
from core.messages import ResponseFormat

_TEXT = ResponseFormat()
_CHOICES = "Which is a mammal?\nA) trout\nB) whale\nC) wren\nD) newt"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("The answer is (B).", "B"),
        ("B", "B"),
        ("A whale is a mammal, so B) whale", "B"),
        ("<think>Maybe A) or C)</think>Answer: B", "B"),
        ("I cannot tell.", None),
    ],
)
def test_a_choice_is_read_as_its_letter(said: str, read: str | None) -> None:
    assert short_answer(said, _CHOICES, _TEXT) == read


@pytest.mark.parametrize(
    ("one", "other"),
    [("409.5", "409.50"), ("$1,200", "1200"), ("The Nile.", "nile"), ("**Paris**", "paris"), ("-3.0", "-3")],
)
def test_equal_answers_look_equal(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


def test_a_marked_answer_is_read_from_a_long_text() -> None:
    said = "First multiply, then divide by one hundred, which leaves what we want.\nAnswer: 409.5"

    assert short_answer(said, "What is 17.5% of 2340?", _TEXT) == "409.5"


def test_a_long_text_without_a_mark_is_not_comparable() -> None:
    assert short_answer("Rain forms when warm air rises and cools down high above.", "Why does it rain?", _TEXT) is None


def test_json_answers_compare_whatever_their_order() -> None:
    shape = ResponseFormat(kind="json_object")

    assert short_answer('{"b": 1, "a": 2}', "", shape) == short_answer('```json\n{"a": 2, "b": 1}\n```', "", shape)
