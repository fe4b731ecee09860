"""The question set that ships: large, balanced, checkable, and fair to the calculator."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

import evals.questions
from evals.checking import CheckKind, check
from evals.questions.reading import Question, load_questions
from tools.calculator import Calculation, calculate

QUESTIONS = load_questions(Path(evals.questions.__file__).with_name("default.jsonl"))
CALCULABLE = {"arithmetic", "percentages"}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.id)
def test_the_gold_answer_passes_and_not_knowing_fails(question: Question) -> None:
    assert check(question.check.gold, question.check)
    assert all(check(alias, question.check) for alias in question.check.aliases)
    assert not check("I do not know", question.check)
    assert not check("", question.check)


def test_ids_and_questions_come_once() -> None:
    assert len({question.id for question in QUESTIONS}) == len(QUESTIONS)
    assert len({question.prompt for question in QUESTIONS}) == len(QUESTIONS)


def test_there_are_enough_questions_for_every_skill() -> None:
    skills = Counter(skill for question in QUESTIONS for skill in question.skills)

    assert len(QUESTIONS) >= 180
    assert len(skills) >= 12
    assert min(skills.values()) >= 9
    assert all(skill == skill.strip().lower() for skill in skills)


def test_the_right_letters_are_balanced() -> None:
    letters = Counter(question.check.gold for question in QUESTIONS if question.check.kind is CheckKind.CHOICE)

    assert set(letters) == set("ABCD")
    assert max(letters.values()) - min(letters.values()) <= 3


def test_options_are_different_and_stand_in_the_prompt() -> None:
    for question in QUESTIONS:
        assert len(set(question.options)) == len(question.options) in (0, 4)
        assert all(
            f"{letter}) {option}" in question.prompt for letter, option in zip("ABCD", question.options, strict=False)
        )


def test_no_other_letter_and_no_other_option_passes() -> None:
    for question in QUESTIONS:
        if question.check.kind is CheckKind.CHOICE:
            right = "ABCD".index(question.check.gold)
            assert [at for at, letter in enumerate("ABCD") if check(letter, question.check)] == [right]
            assert [at for at, option in enumerate(question.options) if check(option, question.check)] == [right]


def test_the_calculator_is_never_wrong_and_declines_all_that_is_not_arithmetic() -> None:
    answers = {question: calculate(question.prompt) for question in QUESTIONS}
    given = {question: answer for question, answer in answers.items() if isinstance(answer, Calculation)}

    assert all(CALCULABLE & set(question.skills) for question in given)
    assert all(check(answer.value, question.check) for question, answer in given.items())
    assert len(given) >= 0.9 * sum(bool(CALCULABLE & set(question.skills)) for question in QUESTIONS)
