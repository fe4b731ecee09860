"""The conversation decides what is asked: a question that leans on earlier ones brings them along, within bounds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.messages import Image, Message, Role
from routing.conversation import EDGE, Subject, ends, focus_of, room_of, subject_of

LONGEST = 1000
PYTHON = "Write a Python function that reverses a list."
ROMANS = "Explain how the Roman republic turned into an empire."


def asked(*texts: str) -> list[Message]:
    """What a user asked, with an answer after each but the last."""
    said = [[Message(Role.USER, text), Message(Role.ASSISTANT, "An answer about gardening.")] for text in texts]
    return [message for turn in said for message in turn][:-1]


@pytest.mark.parametrize(
    "text",
    [
        "Why?",
        "and why?",
        "Continue",
        "Explain that.",
        "What about the second one?",
        "Can you explain it in more detail, please?",
        "Pourquoi ?",
        "weiter",
        "为什么",
        "왜?",
        "?!",
        "",
    ],
)
def test_a_question_that_says_nothing_by_itself_brings_the_one_before_it(text: str) -> None:
    assert room_of(text) == EDGE
    assert PYTHON in focus_of(asked(PYTHON, text))


@pytest.mark.parametrize(
    "text",
    [
        "What is the capital city of France?",
        "Multiply 12 by 13.",
        "What is 17 * 23?",
        "Is it true that Rome fell in 476?",
        "Translate 'good morning' to French",
        "東京の人口は何人ですか",
        "Сколько будет дважды два плюс три?",
        "x" * 241,
    ],
)
def test_a_question_that_says_enough_stands_by_itself(text: str) -> None:
    assert subject_of(asked(PYTHON, text)) == Subject(text)


def test_the_less_a_question_says_the_more_of_the_one_before_it_counts() -> None:
    rooms = [room_of(text) for text in ("Why?", "In French?", "Recursion without loops?", "Sort large lists quickly?")]

    assert rooms == sorted(rooms, reverse=True)
    assert (rooms[0], rooms[-1]) == (EDGE, 0)


def test_earlier_questions_follow_up_to_one_that_stands_by_itself() -> None:
    subject = subject_of(asked("The oldest of all questions here", ROMANS, "And regarding lists?", "Why?"))

    assert subject.background.split("\n") == ["And regarding lists?", ROMANS]


def test_each_earlier_question_has_at_most_half_the_room_of_the_one_after_it() -> None:
    long = "Tell the history of the Roman republic at length. " * 20

    backgrounds = [subject_of(asked(long, *between, "Why?")).background for between in ([], ["In French?"])]

    assert [len(background.split("\n")[-1]) for background in backgrounds] == [EDGE - 1, EDGE // 2 - 1]


def test_a_question_without_words_of_its_own_takes_no_room_from_those_before_it() -> None:
    assert focus_of(asked(PYTHON, "Why?", "continue", "and?", "go on")) == f"go on\n{PYTHON}"


def test_what_others_said_is_left_out() -> None:
    messages = [
        Message(Role.SYSTEM, "You know all of law."),
        Message(Role.DEVELOPER, "Speak of chess."),
        *asked(PYTHON, "Why?"),
        Message(Role.TOOL, "rainfall"),
    ]

    assert focus_of(messages) == f"Why?\n{PYTHON}"


def test_the_options_of_an_earlier_question_are_no_longer_on_offer() -> None:
    question = "Which metal is liquid at room temperature?"

    assert focus_of(asked(f"{question}\nA) iron\nB) mercury", "Why B?")) == f"Why B?\n{question}"


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [Message(Role.SYSTEM, "Be brief.")],
        [Message(Role.USER, "", (Image("https://example.org/a.png"),))],
        [Message(Role.ASSISTANT, ""), Message(Role.TOOL, "42", tool_call_id="c")],
        [Message(Role.USER, " \n\t")],
    ],
)
def test_a_conversation_in_which_no_user_said_a_word_asks_nothing(messages: list[Message]) -> None:
    assert focus_of(messages) == ""


def test_an_image_without_words_is_about_what_was_asked_before() -> None:
    picture = Message(Role.USER, "", (Image("https://example.org/a.png"),))

    assert focus_of([*asked("Translate the signs in my photos."), picture]) == "Translate the signs in my photos."


def test_the_newest_question_is_found_behind_any_number_of_tool_results() -> None:
    messages = [*asked(PYTHON), *[Message(Role.TOOL, "rows")] * 1999]

    assert focus_of(messages) == PYTHON


class Counted(Sequence[Message]):
    """Messages that count how many of their texts were read."""

    def __init__(self, messages: list[Message]) -> None:
        self.messages = messages
        self.read = 0

    def __len__(self) -> int:
        return len(self.messages)

    @overload
    def __getitem__(self, index: int) -> Message: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Message]: ...
    def __getitem__(self, index: int | slice) -> Message | Sequence[Message]:
        self.read += 1
        return self.messages[index]

    def __reversed__(self) -> Iterator[Message]:
        for index in range(len(self) - 1, -1, -1):
            yield self[index]


def test_a_conversation_of_any_length_is_read_only_so_far_back() -> None:
    endless = Counted(asked(*["go on"] * 50_000))

    assert focus_of(endless) == "go on"
    assert endless.read < 50


@given(st.lists(st.builds(Message, st.sampled_from(Role), st.text(max_size=600))))
def test_what_is_asked_is_always_short_and_the_newest_question_comes_first(messages: list[Message]) -> None:
    subject = subject_of(messages)

    assert len(subject.focus) <= LONGEST
    assert subject.focus.startswith(ends(subject.newest, 2 * EDGE))


def test_of_a_hundred_thousand_tokens_the_two_ends_are_read() -> None:
    focus = focus_of(asked("Translate this: " + "word " * 100_000 + "into French."))

    assert len(focus) <= 2 * EDGE
    assert focus.startswith("Translate this:")
    assert focus.endswith("into French.")


@given(st.text(), st.integers(3, 300))
def test_ends_never_exceed_their_room(text: str, room: int) -> None:
    assert len(ends(text, room)) <= room
