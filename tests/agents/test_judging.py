"""Promises about what a score says of whom: no more than the record of the run can tell."""

from __future__ import annotations

import pytest

from agents.judging import rights_of, skills_of
from agents.recording import without_words
from core.events import Event
from core.experts import ExpertSpec, Kind
from core.ids import ExpertName
from core.ports import Embedder, RunLog
from tests.agents.hall import Hall, hall_of, says

_QUESTION = "What is the capital of France?"
ONE, TWO, THREE = map(ExpertName, ("one", "two", "three"))


@pytest.fixture
async def voted(runs: RunLog, embedder: Embedder) -> Hall:
    """A hall in which two said 42, one 41, and one nothing that can be compared."""
    rambling = says("four", "It is a long story, which began many centuries ago by a river with an island in it.")
    experts = (says("one", "42"), says("two", "41"), says("three", "42"), rambling)
    hall = hall_of(*experts, runs=runs, embedder=embedder, k=4, aggregator="vote")
    await hall.ask("What is 6 * 7?")
    return hall


def kept(hall: Hall) -> list[Event]:
    return [without_words(event) for event in hall.told]


async def test_a_right_answer_is_right_of_who_gave_it_and_wrong_of_who_gave_another(voted: Hall) -> None:
    assert rights_of(kept(voted), 1.0) == {ONE: 1.0, THREE: 1.0, TWO: 0.0}


async def test_a_letter_is_another_answer_and_other_words_may_not_be(runs: RunLog, embedder: Embedder) -> None:
    options = "Which is a city?\nA. Paris\nB. the Seine"
    told = {}
    for question, replies in ((options, ("A", "B", "A")), (_QUESTION, ("Paris", "Paris, France", "Paris"))):
        experts = [says(name, reply) for name, reply in zip(("one", "two", "three"), replies, strict=True)]
        hall = hall_of(*experts, runs=runs, embedder=embedder, k=3, aggregator="vote")
        await hall.ask(question, run=question[:8])
        told[question] = rights_of(kept(hall), 1.0)

    assert told[options] == {ONE: 1.0, THREE: 1.0, TWO: 0.0}
    assert told[_QUESTION] == {ONE: 1.0, THREE: 1.0}


@pytest.mark.parametrize("score", [0.0, 0.4])
async def test_an_answer_not_wholly_right_says_nothing_of_other_answers(voted: Hall, score: float) -> None:
    assert rights_of(kept(voted), score) == {ONE: score, THREE: score}


async def test_an_expert_can_be_judged_by_itself_if_it_was_heard(voted: Hall) -> None:
    assert rights_of(kept(voted), 1.0, TWO) == {TWO: 1.0}
    assert rights_of(kept(voted), 1.0, ExpertName("nobody")) == {}


async def test_who_said_nothing_cannot_be_judged(runs: RunLog, embedder: Embedder) -> None:
    shy = ExpertSpec(ExpertName("shy"), Kind.SCRIPTED, "decline", family="shy")
    hall = hall_of(shy, says("one", "Paris"), runs=runs, embedder=embedder, k=2)

    await hall.ask(_QUESTION)

    assert rights_of(kept(hall), 1.0, ExpertName("shy")) == {}
    assert rights_of(kept(hall), 1.0) == {ONE: 1.0}


async def test_one_voice_in_words_of_its_own_is_judged_as_the_answer_is(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "Bread is older than writing, and so is beer."), runs=runs, embedder=embedder, k=1)

    await hall.ask("Tell me about bread.")

    assert rights_of(kept(hall), 0.5) == {ONE: 0.5}


async def test_an_answer_put_together_by_a_chair_is_judged_by_what_it_says(runs: RunLog, embedder: Embedder) -> None:
    experts = (says("one", "Paris"), says("two", "Lyon"))
    hall = hall_of(*experts, runs=runs, embedder=embedder, k=2, aggregator="synthesis")

    await hall.ask(_QUESTION)

    assert set(rights_of(kept(hall), 1.0)) <= {ONE, TWO}


def test_a_record_without_an_answer_judges_nobody() -> None:
    assert rights_of([], 1.0) == {}
    assert skills_of([]) == ()
