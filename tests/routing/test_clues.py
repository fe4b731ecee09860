"""Clues are finite numbers of any text whatever, and say what they are named after."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.clues import CLUES, OPTION_CLUES, clues_of, option_clues

PATHOLOGICAL = (
    "9" * 100_000,
    "1," * 50_000,
    "1.2" * 30_000,
    " " * 100_000,
    "a" * 100_000,
    "-" * 100_000,
    "\u0663" * 9_999,
)
TEXTS = st.text() | st.text(alphabet="0123456789,.-+=/ abc\u0663\u00b2%$?\n")


def told(text: str, *options: str, tools: int = 0, nearness: float = 0.0) -> dict[str, float]:
    """Return the clues by name, as counts and not as their logarithms; nearness is none."""
    found = clues_of(text, options, tools, nearness)
    return dict(zip(CLUES, [*np.expm1(found[:-1]).tolist(), float(found[-1])], strict=True))


def ranks(*options: str) -> list[float]:
    return [float(rank) for rank in option_clues(options)[:, OPTION_CLUES.index("rank")]]


@given(TEXTS, st.lists(TEXTS, max_size=12), st.integers(0, 500), st.floats(-1, 1))
def test_any_question_has_finite_clues(text: str, options: list[str], tools: int, nearness: float) -> None:
    found = clues_of(text, options, tools, nearness)

    assert found.shape == (len(CLUES),)
    assert np.isfinite(found).all()


@given(st.lists(TEXTS, max_size=12))
def test_any_options_have_finite_clues(options: list[str]) -> None:
    found = option_clues(options)

    assert found.shape == (len(options), len(OPTION_CLUES))
    assert np.isfinite(found).all()


@pytest.mark.parametrize("text", PATHOLOGICAL, ids=lambda text: repr(text[:4]))
def test_pathological_texts_are_read_to_their_end(text: str) -> None:
    assert np.isfinite(clues_of(text, (text, "1"))).all()
    assert np.isfinite(option_clues((text, "-1", text))).all()


def test_counts_are_those_a_reader_would_make() -> None:
    found = told(
        "Ann has 12 apples and 12 pears. Each costs $1.50. How much is left, if she sells 25%?", "3", "a few pears"
    )

    expected: dict[str, float] = {
        "numbers": 4,
        "distinct numbers": 3,
        "decimals": 1,
        "percent": 1,
        "money": 1,
        "asks": 1,
        "lines": 0,
    }
    expected |= {"relations": 3, "options": 2, "options that are values": 0.5, "length of options": 6}
    assert {name: found[name] for name in expected} == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "clue", "count"),
    [
        ("Which of the following is NOT a mammal", "negated", 1),
        ("Which of the following is best?", "picking", 3),
        ("def f(): return x == 1", "code", 4),
        ("caf\u00e9 \u20ac", "beyond ascii", 2),
        ("fill __ and __", "blanks", 2),
        ("one\ntwo\n", "lines", 2),
        ("One two. Three four.", "words a sentence", 2),
        ("ab abcd", "letters a word", 3),
        ("2 + 2 = 4", "operators", 2),
    ],
)
def test_each_clue_counts_what_it_is_named_after(text: str, clue: str, count: float) -> None:
    assert told(text)[clue] == pytest.approx(count)


def test_tools_are_counted_and_their_nearness_is_told_as_it_is() -> None:
    found = told("Turn on the light", tools=3, nearness=0.7)

    assert (found["tools"], found["nearness of the nearest tool"]) == pytest.approx((3, 0.7))


def test_options_are_ranked_by_their_values() -> None:
    assert ranks("$30", "-5 m", "1,000", "2.5") == pytest.approx([1 / 6, -0.5, 0.5, -1 / 6])


@pytest.mark.parametrize("options", [("1", "2"), ("1", "2", "many"), ("red", "green", "blue"), ()])
def test_options_that_are_not_three_values_have_no_rank(options: tuple[str, ...]) -> None:
    assert ranks(*options) == [0.0] * len(options)


def test_the_longest_option_stands_out_and_the_shortest_too() -> None:
    length, squared = option_clues(("a", "bb", "ccc"))[:, :2].T

    assert length == pytest.approx([-(1.5**0.5), 0, 1.5**0.5])
    assert squared == pytest.approx([1.5, 0, 1.5])


@given(st.lists(st.text(min_size=3, max_size=3), min_size=1, max_size=8))
def test_options_of_one_length_do_not_differ_by_it(options: list[str]) -> None:
    assert not option_clues(options)[:, :2].any()
