"""What the calculator declines, at once and without error: two readings, undefined or giant results, hostile text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.calculator import Calculation, Declined, calculate

TWO_READINGS = (
    "2 + 3 * 4 squared",
    "What is 3 plus 4 times 5?",
    "What is 2+3 * 4?",
    "What is 6 / 1/2?",
    "What is 10 - 4-3?",
    "2(3 + 4)",
    "What is 3 - - 2 apples?",
    "What is 3 --2?",
    "10/12/2024 - 10/11/2024",
    "2024-11-12 + 5",
    "What is 3 4?",
    "What is 4 + 5, 6?",
    "gcd(1,200, 4 + 2)",
    "gcd(100,200)",
    "sum of 1,5 and 2",
    "Compute 3 + 4!",
    "What is 2 plus 3?\nWhat is 4 plus 5?",
    "2 + 2; 3 + 3",
    "2 + 2. And then?",
)
UNDEFINED = (
    "1 / (3 - 3)",
    "0^0",
    "0^-1",
    "5 mod 0",
    "sqrt(-1)",
    "(-8)^(1/3)",
    "2.5!",
    "(-3)!",
    "1 / (sqrt(2) - sqrt(2))",
)
GIANT = (
    "9^9^9",
    "9^(9^9)",
    "10^1000 + 1",
    "(10^999)^999",
    "99999!",
    "(449!)!",
    "2^" * 100 + "2",
    "9" * 399 + "9" * 399,
    "(" * 60 + "1 + 1" + ")" * 60,
    "sqrt(" * 30 + "2" + ")" * 30,
    "-" * 300 + "1 + 1",
    "sqrt(10^900 + 7)",
    "(sqrt(2) + sqrt(3) + sqrt(5) + sqrt(7) + sqrt(11))^8",
    "1 + " * 5000 + "1",
    "1e999999999 + 1",
    "0.1^1000 * 0.1^1000",
)
HOSTILE = (
    "__import__('os').system('true')",
    "exec('1')",
    "lambda: 1",
    "2 + {}",
    "${7 * 7}",
    "1 + 1 #",
    "\x00 1 + 1",
    "1 + 1\u202e",
    "\u0663 + \u0664",
    "½ + ½",
    "NaN + 1",
    "inf - inf",
    "oo + 1",
    "pi + 1",
)
OWN_WORDS = (
    *("1", "2", "30", "4.5", "+", "-", "*", "/", "^", "(", ")", "!", "%", "of", "plus", "sqrt(", ",", "x", "and"),
    *("the", "minus", "squared", "=", "?", "half", "third", "increase", "by", "sum of", "to the", "hundred"),
)


@pytest.mark.timeout(5)
@pytest.mark.parametrize("question", [*TWO_READINGS, *UNDEFINED, *GIANT, *HOSTILE])
def test_what_has_no_single_exact_short_answer_is_declined_at_once(question: str) -> None:
    answer = calculate(question)

    assert isinstance(answer, Declined)
    assert answer.reason


@given(st.text(max_size=60))
def test_no_text_raises(text: str) -> None:
    assert isinstance(calculate(text), Calculation | Declined)


@given(st.lists(st.sampled_from(OWN_WORDS), max_size=14))
def test_no_heap_of_its_own_words_raises(pieces: list[str]) -> None:
    assert isinstance(calculate(" ".join(pieces)), Calculation | Declined)


@given(
    word=st.sampled_from(("apples", "euros", "in", "about", "km", "people", "roughly", "not", "python", "per", "C")),
    at=st.integers(min_value=0, max_value=8),
)
def test_one_foreign_word_anywhere_is_enough_to_decline(word: str, at: int) -> None:
    words = ["What", "is", "(3", "+", "4)", "*", "12", "-", "5", "?"]
    words.insert(at, word)

    assert isinstance(calculate(" ".join(words)), Declined)


def test_a_reason_says_where_the_reading_stopped() -> None:
    answer = calculate("What is 3 + 4 apples?")

    assert answer == Declined("cannot read 'apples' as part of one calculation")
