"""Asking an expert a set of questions through the normal path; every answer is checked and journalled as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from agents.aggregators.synthesis import shown
from agents.convening import Asked
from agents.reading import short_answer
from core.errors import ConclaveError, ContextTooLong, UpstreamError
from core.experts import ExpertSpec
from core.ids import ExpertName, RunId
from core.messages import Message, Reply, ResponseFormat, Role, Sampling
from core.profiles import Outcome
from core.query import Query
from evals.checking import check
from evals.journal import Graded, Journal
from evals.questions.reading import Question
from wiring.container import Container

Progress = Callable[[str, int, int], None]
"""Called with who is asked what, how many of its questions are answered, and how many there are."""

SEED: Final = 20
"""The seed of every draw of a measurement, and of every call it makes."""
_AT_ONCE: Final = 8
_TRIES: Final = 3
# More than any answer that is worth comparing.
_LONGEST_ANSWER: Final = 200


async def ask_all(
    container: Container,
    expert: ExpertSpec,
    questions: Sequence[Question],
    journal: Journal,
    progress: Callable[[int, int], None],
    *,
    persona: bool = True,
) -> None:
    """Ask the expert what the journal does not hold yet, and keep what becomes of it; raises what keeps failing.

    `progress` is told how many questions are answered and how many there are. Without `persona` the expert's system
    prompt is left out.
    """
    todo = [question for question in questions if (expert.name, question.id) not in journal.known]
    done = len(questions) - len(todo)
    progress(done, len(questions))
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(question: Question) -> None:
        nonlocal done
        async with gate:
            graded = await _ask(container, expert.name, question, persona=persona)
            await asyncio.to_thread(journal.add, graded)
        done += 1
        progress(done, len(questions))

    async with asyncio.TaskGroup() as group:
        for question in todo:
            group.create_task(one(question))


async def _ask(container: Container, expert: ExpertName, question: Question, *, persona: bool) -> Graded:
    query = Query((Message(Role.USER, question.prompt),), sampling=Sampling(seed=SEED))
    clock = container.clock
    for attempt in range(1, _TRIES + 1):
        started = clock.monotonic()
        try:
            asked = Asked(RunId(container.ids.new()), query, persona=persona)
            reply = await container.convener.pass_through_whole(asked, expert)
        except ContextTooLong:
            # It has no room for this one, whoever asks: that is no answer, and no reason to end the measurement.
            return Graded(question.id, expert, Outcome(None))
        except ConclaveError as error:
            if not error.retryable or attempt == _TRIES:
                raise
            continue
        return _graded(expert, question, reply, clock.monotonic() - started)
    raise UpstreamError(f"{expert} did not answer question {question.id}")


def _graded(expert: ExpertName, question: Question, reply: Reply, latency_s: float) -> Graded:
    declined = reply.declined is not None
    outcome = Outcome(
        correct=None if declined else float(check(reply.text, question.check)),
        answer=None if declined else _comparable(reply.text, question),
        input_tokens=reply.usage.input_tokens,
        output_tokens=reply.usage.output_tokens,
        cost=reply.cost,
        latency_s=round(latency_s, 3),
    )
    return Graded(question.id, expert, outcome, shown(reply.text))


def _comparable(text: str, question: Question) -> str | None:
    """Return the answer in the form in which a vote would count it; nothing for what is no short plain text."""
    answer = short_answer(text, question.prompt, ResponseFormat())
    return answer if answer is not None and len(answer) <= _LONGEST_ANSWER and answer.isprintable() else None
