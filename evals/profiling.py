"""Measuring a pool: every expert answers every question through the normal path; the outcomes become profiles.

Outcomes are journalled as they come, so an interrupted measurement goes on where it stopped.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from agents.convening import Asked
from core.clock import Clock
from core.errors import ConclaveError, UpstreamError
from core.experts import ExpertSpec
from core.ids import ExpertName, RunId, SkillName
from core.messages import Message, Role, Sampling
from core.pools import PoolSpec
from core.profiles import ProfileSet
from core.query import Query
from core.skills import Skill
from evals.checking import check
from evals.questions.reading import Question
from routing.profiles import Outcome, build_profiles
from wiring.container import Container

_AT_ONCE = 8
_TRIES = 3
_EXAMPLES_PER_SKILL = 12
_SEED = 20

Progress = Callable[[ExpertName, int, int], None]
"""Called with an expert, how many of its questions are answered, and how many there are."""


@dataclass(frozen=True, slots=True)
class Graded:
    """One question's outcome for one expert, as the journal keeps it."""

    question: str
    outcome: Outcome


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
        self.known = {(graded.outcome.expert, graded.question): graded for graded in map(_from_line, lines)}

    def add(self, graded: Graded) -> None:
        """Keep one more outcome."""
        self.known[graded.outcome.expert, graded.question] = graded
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_to_line(graded) + "\n")


async def measure(
    container: Container, pool: PoolSpec, questions: Sequence[Question], journal: Journal, progress: Progress
) -> ProfileSet:
    """Return the pool's profiles, measuring what the journal does not hold yet; raises what keeps failing.

    Experts that share a model follow one another, so that each model is loaded once.
    """
    experts = sorted((container.configuration.expert(name) for name in pool.experts), key=lambda expert: expert.target)
    for expert in experts:
        await _measure_expert(container, expert, questions, journal, progress)
    wanted = {question.id for question in questions}
    outcomes = [
        journal.known[expert.name, question].outcome
        for expert in experts
        for question in sorted(wanted)
        if (expert.name, question) in journal.known
    ]
    return build_profiles(
        pool.name, questions_id(questions), container.clock.now(), skills_of(questions), outcomes, synthesis=None
    )


def skills_of(questions: Iterable[Question]) -> tuple[Skill, ...]:
    """Return the skills the questions need, each with some of its questions as examples to find it by."""
    examples: dict[SkillName, list[str]] = defaultdict(list)
    for question in questions:
        for skill in question.skills:
            examples[SkillName(skill)].append(question.question)
    return tuple(Skill(name, examples=tuple(examples[name][:_EXAMPLES_PER_SKILL])) for name in sorted(examples))


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
            journal.add(Graded(question.id, await _ask(container, expert.name, question)))
        done += 1
        progress(expert.name, done, len(questions))

    async with asyncio.TaskGroup() as group:
        for question in todo:
            group.create_task(one(question))


async def _ask(container: Container, expert: ExpertName, question: Question) -> Outcome:
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
        return Outcome(
            expert=expert,
            skills=tuple(SkillName(skill) for skill in question.skills),
            correct=None if reply.declined is not None else check(reply.text, question.check),
            input_tokens=reply.usage.input_tokens,
            output_tokens=reply.usage.output_tokens,
            latency_s=clock.monotonic() - started,
        )
    raise UpstreamError(f"{expert} did not answer question {question.id}")


def _to_line(graded: Graded) -> str:
    outcome = graded.outcome
    return json.dumps(
        {
            "question": graded.question,
            "expert": outcome.expert,
            "skills": outcome.skills,
            "correct": outcome.correct,
            "input_tokens": outcome.input_tokens,
            "output_tokens": outcome.output_tokens,
            "latency_s": round(outcome.latency_s, 3),
        }
    )


def _from_line(line: bytes) -> Graded:
    kept = json.loads(line)
    return Graded(
        kept["question"],
        Outcome(
            expert=ExpertName(kept["expert"]),
            skills=tuple(SkillName(skill) for skill in kept["skills"]),
            correct=kept["correct"],
            input_tokens=kept["input_tokens"],
            output_tokens=kept["output_tokens"],
            latency_s=kept["latency_s"],
        ),
    )
