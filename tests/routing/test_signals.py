"""Cheap signals: what is plain to see is named, what only looks like it is not, and reading has an end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.messages import Image, Message, Role, ToolSpec
from core.query import Query
from routing.conversation import subject_of
from routing.taggers.signals import UNKNOWN_LANGUAGE, language_of, signals, signals_of
from tests.routing.pool import query


def seen(one: Query) -> tuple[str, ...]:
    return signals_of(one, subject_of(one.messages))


@pytest.mark.parametrize(
    "text",
    [
        "def add(a, b):\n    return a + b",
        "Fix this Python list comprehension",
        "SELECT name FROM users",
        "Why do I get a ValueError here?",
        "#include <stdio.h>",
        "import numpy as np",
        "x = fetch(url);",
        "```\nls\n```",
        "What does print() return?",
        "Write a regex for dates",
    ],
)
def test_code_is_seen(text: str) -> None:
    assert "code" in signals(text)


@pytest.mark.parametrize(
    "text",
    [
        "Monty Python was funny",
        "The rust on my car spread",
        "Is the terror real;",
        "from Paris with love",
        "Use metaphors",
        "Package deals to Java",
        "A -> B",
    ],
)
def test_what_only_sounds_like_code_is_not(text: str) -> None:
    assert "code" not in signals(text)


@pytest.mark.parametrize(
    "text", ["What is 17.5% of 2340?", "x^2 - 3 = 0", "Solve for y", r"\frac{a}{b}", "12 / 4", "3/4 of it", "∑ over n"]
)
def test_maths_is_seen(text: str) -> None:
    assert "maths" in signals(text)


@pytest.mark.parametrize("text", ["the war of 1939-1945", "on 2020-01-02", "for 2-3 hours", "01/02/2020", "Route 66"])
def test_dates_and_spans_are_no_maths(text: str) -> None:
    assert "maths" not in signals(text)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Quelle est la capitale de la France ?", "fr"),
        ("Wie heißt der längste Fluss und wie lang ist er?", "de"),
        ("¿Cuál es la capital de España y por qué?", "es"),
        ("Qual è il fiume più lungo che è in Italia?", "it"),
        ("東京はどこですか", "ja"),
        ("北京在哪里", "zh"),
        ("서울은 어디입니까?", "ko"),
        ("Где находится Москва?", "ru"),
        ("Де знаходиться Київ?", "uk"),
        ("ما هي عاصمة فرنسا؟", "ar"),
        ("پایتخت ایران کجاست؟", "fa"),
        ("Ποια είναι η πρωτεύουσα;", "el"),
        ("भारत की राजधानी क्या है?", "hi"),
        ("เมืองหลวงคืออะไร", "th"),
        ("מהי בירת ישראל?", "he"),
    ],
)
def test_languages_are_told_by_script_and_by_frequent_words(text: str, language: str) -> None:
    assert language_of(text) == f"language:{language}"


@pytest.mark.parametrize(
    "text", ["Who was Ada Lovelace?", "What does 東京 mean in English?", "naïve café", "42", "", "🙂"]
)
def test_english_and_what_tells_nothing_is_not_marked(text: str) -> None:
    assert language_of(text) is None


@pytest.mark.parametrize("text", ["ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ " * 8, "Ĉu vi ŝatas ĝin aŭ ĉiuj ĵaŭdaj ĥoroj ŝajnas ŝanĝiĝi"])
def test_a_long_text_in_no_known_language_says_so(text: str) -> None:
    assert language_of(text) == UNKNOWN_LANGUAGE


@pytest.mark.parametrize(("length", "mark"), [(2_000, ()), (2_001, ("long",)), (16_001, ("very-long",))])
def test_length_is_that_of_the_whole_text(length: int, mark: tuple[str, ...]) -> None:
    assert seen(query("a" * length)) == mark


def test_images_tools_and_recordings_are_seen() -> None:
    picture = Message(Role.USER, "Transcribe https://x/a.mp3, then describe", (Image("https://example.org/a.png"),))

    assert seen(Query((picture,), tools=(ToolSpec("search"),))) == ("images", "audio", "tools")


def test_what_was_asked_before_a_question_that_leans_on_it_is_seen_too() -> None:
    asked = (Message(Role.USER, "Write a Python function."), Message(Role.ASSISTANT, "Done."))

    assert seen(Query((*asked, Message(Role.USER, "Why?")))) == ("code",)
    assert seen(Query((*asked, Message(Role.USER, "Who painted the Mona Lisa in Florence?")))) == ()


def test_a_sign_at_the_end_of_a_long_text_is_seen_and_one_in_its_midst_is_not() -> None:
    filler = "word " * 2000

    assert "maths" in seen(query(filler + "What is 3 * 4?"))
    assert "maths" not in seen(query(f"{filler} 3 * 4 {filler}"))


@given(st.text())
def test_any_text_has_signals_and_each_once(text: str) -> None:
    found = signals(text)

    assert len(found) == len(set(found))
