"""No question that only seems to be arithmetic gets an answer from the exact calculator."""

from __future__ import annotations

import pytest

from evals.questions.afterthoughts import AFTERTHOUGHTS
from evals.questions.lookalikes import FIXED, generate
from tools.calculator import Calculation, calculate


@pytest.mark.parametrize("question", FIXED + AFTERTHOUGHTS)
def test_no_hand_written_look_alike_is_answered(question: str) -> None:
    answer = calculate(question)

    assert not isinstance(answer, Calculation), answer


@pytest.mark.parametrize("seed", range(12))
def test_no_generated_look_alike_is_answered(seed: int) -> None:
    questions = generate(seed, 200)

    answered = {question: answer for question in questions if isinstance(answer := calculate(question), Calculation)}

    assert answered == {}


def test_the_corpus_is_large_and_without_repetition() -> None:
    assert len(set(FIXED)) == len(FIXED) >= 150
    assert len(set(generate(7, 500))) == 500


def test_the_same_seed_gives_the_same_questions_and_another_seed_gives_others() -> None:
    assert generate(3, 60) == generate(3, 60)
    assert generate(3, 60) != generate(4, 60)


def test_a_number_that_the_phrasings_cannot_give_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        generate(0, -1)
