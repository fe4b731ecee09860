"""Measuring a pool: every expert answers every question through the normal path; the outcomes become profiles.

Outcomes are journalled as they come, so an interrupted measurement goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from agents.convening import Asked
from agents.reading import short_answer
from core.clock import Clock
from core.errors import ConclaveError, UpstreamError
from core.experts import ExpertSpec
from core.ids import ExpertName, RunId, SkillName
from core.messages import Message, Reply, ResponseFormat, Role, Sampling
from core.money import FREE, Micros
from core.pools import PoolSpec
from core.profiles import Lesson, Outcome, ProfileSet
from core.query import Query
from core.skills import Skill
from evals.checking import check
from evals.questions.reading import Question
from routing.canonical import Canon, canonical
from routing.profiles import build_profiles, outcomes_of
from wiring.container import Container

_AT_ONCE = 8
_TRIES = 3
_EXAMPLES_PER_SKILL = 12
_SEED = 20
# More than any answer that is worth comparing, and all of a reply that another expert is ever shown.
_LONGEST_ANSWER = 200
_LONGEST_TEXT = 1_500

Progress = Callable[[ExpertName, int, int], None]
"""Called with an expert, how many of its questions are answered, and how many there are."""


@dataclass(frozen=True, slots=True)
class Graded:
    """One question's outcome for one expert, as the journal keeps it; `text` is how the reply began."""

    question: str
    expert: ExpertName
    outcome: Outcome
    text: str = ""


class Journal:
    """Graded outcomes on disk, one line each, so that nothing is measured twice."""

    def __init__(self, path: Path) -> None:
        """Read what `path` holds, if it is there; a last line whose writing was cut short is dropped."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        if lines and not lines[-1].endswith(b"\n"):
            # Cut off the file too: the next outcome would be written behind it, on the same line.
            lines.pop()
            os.truncate(path, sum(map(len, lines)))
        self.known = {(graded.expert, graded.question): graded for graded in map(_from_line, lines)}

    def add(self, graded: Graded) -> None:
        """Keep one more outcome."""
        self.known[graded.expert, graded.question] = graded
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_to_line(graded) + "\n")


async def measure(
    container: Container, pool: PoolSpec, questions: Sequence[Question], journal: Journal, progress: Progress
) -> ProfileSet:
    """Return the pool's profiles, measuring what the journal does not hold yet; raises what keeps failing.

    Experts that share a model follow one another, so that each model is loaded once. Skills that mean the same are
    merged, and have the questions' category as their parent.
    """
    canon = await canonical(skills_of(questions), Counter(chain(*(q.skills for q in questions))), container.embedder)
    experts = sorted((container.configuration.expert(name) for name in pool.experts), key=lambda expert: expert.target)
    for expert in experts:
        await _measure_expert(container, expert, questions, journal, progress)
    lessons = lessons_of(questions, pool.experts, journal, canon)
    return build_profiles(
        pool.name,
        questions_id(questions),
        container.clock.now(),
        canon.skills,
        outcomes_of(lessons),
        lessons=lessons,
    )


def lessons_of(
    questions: Iterable[Question], experts: Sequence[ExpertName], journal: Journal, canon: Canon
) -> list[Lesson]:
    """Return what the journal holds of the questions, in their order, by their canonical skills."""
    lessons = []
    for question in questions:
        graded = [journal.known[name, question.id] for name in experts if (name, question.id) in journal.known]
        if graded:
            outcomes = {its.expert: its.outcome for its in graded}
            lessons.append(Lesson(question.prompt, canon.of(question.skills), outcomes))
    return lessons


def skills_of(questions: Iterable[Question]) -> tuple[Skill, ...]:
    """Return the skills the questions need, each with some of its questions as examples to find it by.

    The category is the parent of a skill whose questions all have the same one.
    """
    examples: dict[SkillName, list[str]] = defaultdict(list)
    categories: dict[SkillName, set[str]] = defaultdict(set)
    for question in questions:
        for skill in question.skills:
            examples[skill].append(question.question)
            categories[skill].add(question.category)
    return tuple(
        Skill(name, parent=_parent(name, categories[name]), examples=tuple(examples[name][:_EXAMPLES_PER_SKILL]))
        for name in sorted(examples)
    )


def _parent(name: SkillName, categories: set[str]) -> SkillName | None:
    only = next(iter(categories)) if len(categories) == 1 else name
    return None if only == name else SkillName(only)


def questions_id(questions: Sequence[Question]) -> str:
    """Return the short hash that names a question set."""
    text = "\n".join(f"{question.id}\t{question.prompt}\t{question.check}" for question in questions)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


async def _measure_expert(
    container: Container, expert: ExpertSpec, questions: Sequence[Question], journal: Journal, progress: Progress
) -> None:
    todo = [question for question in questions if (expert.name, question.id) not in journal.known]
    done = len(questions) - len(todo)
    progress(expert.name, done, len(questions))
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(question: Question) -> None:
        nonlocal done
        async with gate:
            journal.add(await _ask(container, expert.name, question))
        done += 1
        progress(expert.name, done, len(questions))

    async with asyncio.TaskGroup() as group:
        for question in todo:
            group.create_task(one(question))


async def _ask(container: Container, expert: ExpertName, question: Question) -> Graded:
    query = Query((Message(Role.USER, question.prompt),), sampling=Sampling(seed=_SEED))
    clock: Clock = container.clock
    for attempt in range(1, _TRIES + 1):
        started = clock.monotonic()
        try:
            reply = await container.convener.pass_through_whole(Asked(RunId(container.ids.new()), query), expert)
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
    return Graded(question.id, expert, outcome, reply.text[:_LONGEST_TEXT])


def _comparable(text: str, question: Question) -> str | None:
    """Return the answer in the form in which a vote would count it; nothing for what is no short plain text."""
    answer = short_answer(text, question.prompt, ResponseFormat())
    return answer if answer is not None and len(answer) <= _LONGEST_ANSWER and answer.isprintable() else None


def _to_line(graded: Graded) -> str:
    outcome = graded.outcome
    return json.dumps(
        {
            "question": graded.question,
            "expert": graded.expert,
            "correct": outcome.correct,
            "answer": outcome.answer,
            "input_tokens": outcome.input_tokens,
            "output_tokens": outcome.output_tokens,
            "cost_micros": outcome.cost,
            "latency_s": outcome.latency_s,
            "text": graded.text,
        }
    )


def _from_line(line: bytes) -> Graded:
    """Return what a line holds; lines written before answers, costs and texts were kept lack them."""
    kept = json.loads(line)
    return Graded(
        kept["question"],
        ExpertName(kept["expert"]),
        Outcome(
            correct=None if kept["correct"] is None else float(kept["correct"]),
            answer=kept.get("answer"),
            input_tokens=kept["input_tokens"],
            output_tokens=kept["output_tokens"],
            cost=Micros(kept.get("cost_micros", FREE)),
            latency_s=kept["latency_s"],
        ),
        kept.get("text", ""),
    )
