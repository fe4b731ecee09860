"""Clues of a reply: finite for any text, nothing where no words were kept, and wrong sums are found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.replies import REPLY_CLUES, reply_clues

TEXTS = st.text() | st.text(alphabet="0123456789,.-+*/x\u00d7\u00f7= $<>\u0663\n")
PATHOLOGICAL = (
    "9" * 100_000,
    "1+" * 50_000,
    "1 = " * 25_000,
    "1+1=<<" * 9_999,
    " " * 100_000,
    "1,1" * 30_000,
    "wait " * 20_000,
)


def told(text: str, question: str = "") -> dict[str, float]:
    return dict(zip(REPLY_CLUES, reply_clues(text, question).tolist(), strict=True))


def sums(text: str) -> tuple[int, int]:
    """Return how many sums a reply writes out, and how many of them are wrong."""
    found = told(text)
    return round(float(np.expm1(found["sums"]))), round(float(np.expm1(found["wrong sums"])))


@given(TEXTS.filter(bool), TEXTS)
def test_any_reply_has_finite_clues(text: str, question: str) -> None:
    found = reply_clues(text, question)

    assert found.shape == (len(REPLY_CLUES),)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("text", PATHOLOGICAL, ids=lambda text: repr(text[:6]))
def test_pathological_replies_are_read_to_their_end(text: str) -> None:
    assert np.isfinite(reply_clues(text, text)).all()


@pytest.mark.parametrize("text", [None, ""])
def test_nothing_is_made_of_a_reply_whose_words_were_not_kept(text: str | None) -> None:
    assert np.isnan(reply_clues(text, "How many?")).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2 + 2 = 4", (1, 0)),
        ("2 + 2 = 5", (1, 1)),
        ("7-4=3, 7 - 4 = 4", (2, 1)),
        ("3 x 4 = 12; 3 \u00d7 4 = 12; 3*4 = 13", (3, 1)),
        ("10 / 4 = 2.5. 10 \u00f7 4 = 2", (2, 1)),
        ("1/3 = 0.33", (1, 0)),
        ("1,000 + 1 = $1,001", (1, 0)),
        ("16 - 3 - 4 = <<16-3-4=9>>9", (0, 0)),
        ("2 * 9 = <<2*9=18>>18", (1, 0)),
        ("5 / 0 = 5", (1, 1)),
        ("100 + 1 = 102", (1, 0)),
        ("100 + 1 = 104", (1, 1)),
        ("2 plus 2 is 5", (0, 0)),
        ("1 + 2 + 3 = 6; 1+2+3=6; (1 + 1) * 2 + 3 = 7", (0, 0)),
        ("- 2 + 2 = 5\n* 2 * 2 = 4", (2, 1)),
    ],
)
def test_sums_off_by_more_than_two_in_a_hundred_are_wrong(text: str, expected: tuple[int, int]) -> None:
    assert sums(text) == expected


@given(st.integers(0, 9_999), st.integers(0, 9_999))
def test_a_right_sum_is_never_called_wrong(left: int, right: int) -> None:
    assert sums(f"So {left:,} + {right:,} = {left + right:,} and {left} * {right} = {left * right}.") == (2, 0)


@pytest.mark.parametrize(
    ("text", "cut"), [("The answer is 4.", 0), ("`4`\n", 0), ("it is 4", 0), ("and so the", 1), (" ", 1)]
)
def test_a_reply_that_stops_in_mid_sentence_is_cut_off(text: str, cut: float) -> None:
    assert told(text)["cut off"] == cut


def test_a_reply_is_judged_by_its_end() -> None:
    assert sums("2 + 2 = 5. " + "So it goes. " * 1_000) == (0, 0)


def test_hedges_lines_and_the_numbers_of_the_question_are_counted() -> None:
    found = told("Wait, I think 12.\nHowever it is unclear.", "Add 12 and 30")

    assert np.expm1(found["hedges"]) == pytest.approx(4)
    assert np.expm1(found["lines"]) == pytest.approx(1)
    assert found["numbers used"] == 0.5


def test_a_question_without_numbers_has_all_of_them_used() -> None:
    assert told("Paris.", "Which city?")["numbers used"] == 1.0
