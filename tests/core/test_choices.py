"""A multiple-choice question is read as people read it: a stem, and options lettered from A without a gap."""

from __future__ import annotations

from string import ascii_uppercase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.choices import Choices, asks_for_little, choices_of

LINES = st.lists(
    st.tuples(
        st.sampled_from(["", " ", "(", "\t"]), st.sampled_from("ABCDEZa1"), st.sampled_from([". ", ") ", ": ", "."])
    )
)


def listed(*options: str) -> str:
    return "\n".join(f"{letter}. {option}" for letter, option in zip(ascii_uppercase, options, strict=False))


@pytest.mark.parametrize(
    "mark", ["A. {}\nB. {}", "A) {}\nB) {}", "(A) {}\n(B) {}", "A: {}\nB: {}", "  A. {}\n\tB.  {} "]
)
def test_options_are_found_however_they_are_lettered(mark: str) -> None:
    found = choices_of("What is the capital of France?\n" + mark.format("Paris", "Lyon"))

    assert found == Choices("What is the capital of France?", ("Paris", "Lyon"))
    assert found.letters == ("A", "B")


@pytest.mark.parametrize(
    "question",
    [
        "",
        "What is the capital of France?",
        "A. Only one\nis no choice",
        "B. starts\nC. too late",
        "a. small\nb. letters",
        "A.no space\nB.after the mark",
        "Vitamin A. and vitamin B. in one line",
    ],
)
def test_without_two_lettered_lines_there_are_no_options(question: str) -> None:
    assert choices_of(question) == Choices(question)


def test_what_follows_a_gap_is_no_option() -> None:
    assert choices_of("Which?\nA. one\nB. two\nD. four").options == ("one", "two")


def test_a_list_that_ends_at_once_in_a_gap_is_none() -> None:
    assert choices_of("Which?\nA. one\nC. three").options == ()


def test_of_several_lists_the_last_counts_and_the_examples_stay_in_the_stem() -> None:
    example = f"Which is even?\n{listed('1', '2')}\nAnswer: B"
    found = choices_of(f"{example}\n\nWhich is odd?\n{listed('4', '5', '6')}")

    assert found == Choices(f"{example}\n\nWhich is odd?", ("4", "5", "6"))


def test_a_lone_line_after_the_list_does_not_hide_it() -> None:
    assert choices_of(f"Which?\n{listed('one', 'two')}\nA. Smith, 1900").options == ("one", "two")


def test_there_are_no_letters_beyond_z() -> None:
    found = choices_of("Which?\n" + listed(*map(str, range(26))) + "\nAA. 26\n[. 27")

    assert len(found.options) == 26
    assert found.letters == tuple(ascii_uppercase)


@given(st.text())
def test_any_text_is_read_and_its_stem_begins_it(text: str) -> None:
    found = choices_of(text)

    assert text.startswith(found.stem)
    assert len(found.letters) == len(found.options) != 1
    assert isinstance(asks_for_little(text), bool)


@given(LINES)
def test_options_are_stripped_lines_of_the_question_in_order(lines: list[tuple[str, str, str]]) -> None:
    text = "\n".join(f"{before}{letter}{mark}option {at} " for at, (before, letter, mark) in enumerate(lines))
    places = [int(option.rpartition(" ")[2]) for option in choices_of(text).options]

    assert places == sorted(places)
    assert [lines[at][1] for at in places] == list(ascii_uppercase[: len(places)])


@pytest.mark.parametrize("text", ["A. " * 30_000, " " * 100_000, "\n" * 100_000, "A.\n" * 30_000, "(" * 100_000])
def test_pathological_questions_are_read_to_their_end(text: str) -> None:
    assert choices_of(text).options == ()


@pytest.mark.parametrize(
    "question",
    [
        "How many legs has a spider?",
        "WHO wrote Faust?",
        "What is 17 * 23?",
        "17\u00d723",
        "Compute the area.",
        f"Discuss.\n{listed('this', 'that')}",
    ],
)
def test_a_question_for_a_letter_a_number_or_a_name_asks_for_little(question: str) -> None:
    assert asks_for_little(question)


@pytest.mark.parametrize(
    "question",
    ["", "Write a poem about the sea.", "Summarise this letter.", "Somewhat is whosoever's", "who " + "x" * 600],
)
def test_a_task_or_a_long_text_asks_for_more(question: str) -> None:
    assert not asks_for_little(question)
