"""Who is apt to aggregate: each expert that chats writes an answer from one right and two wrong replies of others.

The probe is that of Symbolic-MoE (arXiv 2503.05641, aggregator choice), counted by top-level skill too. It asks as the
aggregator `synthesis` does: with the same prompt, and without the expert's persona.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from agents.aggregators.synthesis import brief
from core.experts import ExpertSpec
from core.ids import ExpertName
from core.profiles import Lesson
from evals.asking import SEED, Progress, ask_all
from evals.journal import Graded, Journal, lessons_of
from evals.questions.reading import Question
from routing.canonical import Canon
from routing.profiles.hierarchy import tops
from wiring.container import Container

MOST_PER_SKILL: Final = 8
"""How many questions probe a top-level skill: twice what its record is shrunk by (`routing.chairing`), so that what was
seen outweighs what is usual, at no more than eight long prompts a skill and expert."""
_RIGHT: Final = 1
_WRONG: Final = 2


async def synthesised(
    container: Container,
    experts: Iterable[ExpertSpec],
    probes: Sequence[Question],
    journal: Journal,
    canon: Canon,
    progress: Progress,
) -> list[Lesson]:
    """Return what every expert that chats made of the probes, asking what the journal does not hold yet."""
    chairs = [expert for expert in experts if "chat" in expert.abilities]
    for chair in chairs if probes else ():
        tell = partial(progress, f"{chair.name} (as aggregator)")
        await ask_all(container, chair, probes, journal, tell, persona=False)
    return lessons_of(probes, [chair.name for chair in chairs], journal, canon)


def probes_of(
    questions: Sequence[Question], experts: Sequence[ExpertName], journal: Journal, canon: Canon
) -> list[Question]:
    """Return the probes that the experts' replies in the journal allow, as questions of top-level skills.

    A question with fewer than two wrong replies, or no right one, is none; a reply that was declined, or whose words
    were not kept, is neither. At most `MOST_PER_SKILL` are taken of each top-level skill. Which questions and replies,
    and in what order, is drawn under a seed: the same journal gives the same probes.
    """
    eldest = tops(canon.skills)
    taken: Counter[str] = Counter()
    probes = []
    for question in random.Random(SEED).sample(questions, len(questions)):
        skills = tuple(dict.fromkeys(eldest[skill] for skill in canon.of(question.skills)))
        graded = [journal.known[name, question.id] for name in experts if (name, question.id) in journal.known]
        replies = _mixed(question, graded)
        if replies and all(taken[skill] < MOST_PER_SKILL for skill in skills):
            taken.update(skills)
            probes.append(_probe(replace(question, skills=skills), replies))
    return probes


def _mixed(question: Question, graded: Sequence[Graded]) -> list[str]:
    """Return one right and two wrong replies in a drawn order, or nothing where there are not enough."""
    spoke = [its for its in graded if its.text and its.outcome.correct is not None]
    right = [its.text for its in spoke if its.outcome.correct == 1.0]
    wrong = [its.text for its in spoke if its.outcome.correct == 0.0]
    if len(right) < _RIGHT or len(wrong) < _WRONG:
        return []
    draw = random.Random(f"{SEED}/{question.id}")
    return draw.sample([*draw.sample(right, _RIGHT), *draw.sample(wrong, _WRONG)], _RIGHT + _WRONG)


def _probe(question: Question, replies: Sequence[str]) -> Question:
    prompt = brief(question.prompt, replies)
    # Named by its words: an answer in the journal is one to exactly this prompt.
    name = f"{question.id}/{hashlib.sha256(prompt.encode()).hexdigest()[:8]}"
    return replace(question, id=name, question=prompt, options=())
