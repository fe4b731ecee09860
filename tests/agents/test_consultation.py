"""Promises about asking one expert after another: no voice too many, and nothing shown that may yet be outvoted."""

from __future__ import annotations

from core.budgets import Budget
from core.decision import Considered
from core.errors import Overloaded
from core.events import EventKind
from core.experts import ExpertSpec, Kind
from core.ids import ExpertName
from core.ports import Embedder, RunLog
from routing.deciding import RoutingService
from tests.agents.hall import hall_of, says

_BRIEF = "What is the capital of France?"
_LONG = "Tell me about bread."


async def test_a_question_with_a_short_answer_is_asked_of_one_after_another(runs: RunLog, embedder: Embedder) -> None:
    experts = [says(name, "Paris") for name in ("one", "two", "three", "four")]
    hall = hall_of(*experts, runs=runs, embedder=embedder, router="conclave", k=4)

    answer = await hall.ask(_BRIEF)

    called = [event.data["expert"] for event in hall.told if event.kind is EventKind.EXPERT_CALLED]
    assert called[:2] == ["one", "two"]
    assert answer.aggregation == "vote"
    assert answer.confidence > 0.7


async def test_it_ends_when_another_voice_is_not_worth_it(runs: RunLog, embedder: Embedder) -> None:
    experts = [says(f"e{number}", "Paris") for number in range(9)]
    hall = hall_of(*experts, runs=runs, embedder=embedder, router="conclave", k=9)

    answer = await hall.ask(_BRIEF)

    assert 2 <= len(answer.thoughts) < 9


async def test_what_may_be_outvoted_is_not_shown_as_the_answer(runs: RunLog, embedder: Embedder) -> None:
    experts = (says("one", "Lyon"), says("two", "Paris"), says("three", "Paris"))
    hall = hall_of(*experts, runs=runs, embedder=embedder, router="conclave")

    answer = await hall.ask(_BRIEF)

    assert answer.text == "Paris"
    assert hall.words() == "Paris"


async def test_a_reply_in_words_of_its_own_is_one_experts_and_streams(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "Bread is old."), says("two", "No."), runs=runs, embedder=embedder, router="conclave")

    answer = await hall.ask(_LONG)

    assert [thought.expert for thought in answer.thoughts] == ["one"]
    assert hall.words() == answer.text == "Bread is old."
    assert EventKind.VOTE_UPDATED not in hall.kinds()


async def test_each_voice_moves_the_vote_that_is_told(runs: RunLog, embedder: Embedder) -> None:
    hall = hall_of(says("one", "Paris"), says("two", "Paris"), runs=runs, embedder=embedder, router="conclave", k=2)

    await hall.ask(_BRIEF)

    posteriors = [float(str(e.data["posterior"])) for e in hall.told if e.kind is EventKind.VOTE_UPDATED]
    assert len(posteriors) == 2
    assert posteriors[1] > posteriors[0]


async def test_an_expert_that_falls_silent_leaves_time_to_ask_another(runs: RunLog, embedder: Embedder) -> None:
    silent = ExpertSpec(ExpertName("silent"), Kind.SCRIPTED, "hang", family="silent")
    budget = Budget(seconds=4)
    hall = hall_of(silent, says("one", "Paris"), runs=runs, embedder=embedder, router="conclave", budget=budget)

    answer = await hall.ask(_BRIEF)

    assert answer.text == "Paris"
    assert [(thought.expert, thought.error is None) for thought in answer.thoughts] == [
        ("silent", False),
        ("one", True),
    ]


async def test_who_declined_is_not_asked_again(runs: RunLog, embedder: Embedder) -> None:
    shy = ExpertSpec(ExpertName("shy"), Kind.SCRIPTED, "decline", family="shy")
    hall = hall_of(shy, says("one", "Paris"), says("two", "Paris"), runs=runs, embedder=embedder, router="conclave")

    answer = await hall.ask(_BRIEF)

    called = [str(event.data["expert"]) for event in hall.told if event.kind is EventKind.EXPERT_CALLED]
    assert called.count("shy") == 1
    assert answer.text == "Paris"


async def test_what_was_said_is_answered_with_when_it_cannot_be_weighed(runs: RunLog, embedder: Embedder) -> None:
    class Busy(RoutingService):
        async def consider(self, *_: object, **__: object) -> Considered:
            raise Overloaded("too many texts are waiting to be embedded")

    hall = hall_of(says("one", "Paris"), runs=runs, embedder=embedder, router="conclave", k=2, routing=Busy)

    answer = await hall.ask(_BRIEF)

    assert answer.text == "Paris"
