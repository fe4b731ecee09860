"""Measuring a pool: every expert answers every question through the normal path; the outcomes become profiles.

Outcomes are journalled as they come, so an interrupted measurement goes on where it stopped.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import chain

from core.ids import SkillName
from core.pools import PoolSpec
from core.profiles import ProfileSet
from core.skills import Skill
from evals.aptitude import probes_of, synthesised
from evals.asking import Progress, ask_all
from evals.journal import Journal, lessons_of
from evals.questions.reading import Question
from routing.canonical import canonical
from routing.profiles import build_profiles, outcomes_of
from wiring.container import Container

_EXAMPLES_PER_SKILL = 12


async def measure(
    container: Container,
    pool: PoolSpec,
    questions: Sequence[Question],
    journal: Journal,
    progress: Progress,
    *,
    probe: bool = True,
) -> ProfileSet:
    """Return the pool's profiles, measuring what the journal does not hold yet; raises what keeps failing.

    Experts that share a model follow one another, so that each model is loaded once. Skills that mean the same are
    merged, and have the questions' category as their parent. With `probe` the experts' replies are then put to each
    expert that chats, to learn how apt it is to aggregate.
    """
    canon = await canonical(skills_of(questions), Counter(chain(*(q.skills for q in questions))), container.embedder)
    experts = sorted((container.configuration.expert(name) for name in pool.experts), key=lambda expert: expert.target)
    for expert in experts:
        await ask_all(container, expert, questions, journal, partial(progress, expert.name))
    lessons = lessons_of(questions, pool.experts, journal, canon)
    probes = probes_of(questions, pool.experts, journal, canon) if probe else []
    syntheses = await synthesised(container, experts, probes, journal, canon, progress)
    return build_profiles(
        pool.name,
        questions_id(questions),
        container.clock.now(),
        canon.skills,
        outcomes_of(lessons),
        syntheses=outcomes_of(syntheses),
        lessons=lessons,
    )


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
