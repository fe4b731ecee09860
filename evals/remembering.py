"""A profile from a recording: what models once did with many questions, counted as if they had been asked now."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from agents.reading import normalise
from core.errors import Unprocessable
from core.experts import ExpertSpec
from core.ids import ExpertName, SkillName
from core.money import FREE, Micros
from core.pools import PoolSpec
from core.profiles import Lesson, Outcome, ProfileSet
from core.skills import Skill
from experts import recording
from routing.profiles import build_profiles, outcomes_of

_EXAMPLES_PER_SKILL: Final = 12


def remembered(
    pool: PoolSpec, experts: Sequence[ExpertSpec], recorded: recording.RecordedPool, at: datetime
) -> ProfileSet:
    """Return the profile that a recording shows of the pool's experts, as of `at`; categories are its skills.

    An expert is the model of the recording that it is a recording of, or that has its name. Raises `Unprocessable`
    when the recording knows none of them.
    """
    models = models_of(experts, recorded)
    if not models:
        raise Unprocessable(
            f"{recorded.name}: knows none of the experts of {pool.name}; name an expert as a model of the recording, "
            "or let it be `recorded` from there"
        )
    lessons = list(_lessons(experts, models, recorded))
    questions = hashlib.sha256("\n".join(item.id for item in recorded.items).encode()).hexdigest()[:8]
    return build_profiles(pool.name, questions, at, _skills(recorded), outcomes_of(lessons), lessons=lessons)


def models_of(experts: Sequence[ExpertSpec], recorded: recording.RecordedPool) -> Mapping[ExpertName, str]:
    """Return the model of the recording that each expert is, for those that are one."""
    pairs = ((expert.name, model) for expert in experts for model in (expert.name, expert.target))
    # Of two, the target counts: it says what the expert is, and a name only what it is called.
    return {name: model for name, model in pairs if model in recorded.models}


def _lessons(
    experts: Sequence[ExpertSpec], models: Mapping[ExpertName, str], recorded: recording.RecordedPool
) -> Iterator[Lesson]:
    for item in recorded.items:
        outcomes = {
            expert.name: _outcome(expert, item, models[expert.name], recorded)
            for expert in experts
            if models.get(expert.name) in item.outcomes
        }
        if outcomes:
            yield Lesson(item.question, (SkillName(item.category),) if item.category else (), outcomes)


def _outcome(expert: ExpertSpec, item: recording.RecordedItem, model: str, recorded: recording.RecordedPool) -> Outcome:
    its = item.outcomes[model]
    answer = its.answer if its.answer is None or item.options else normalise(its.answer)
    return Outcome(
        correct=its.correct,
        answer=answer,
        input_tokens=its.usage.input_tokens,
        output_tokens=its.usage.output_tokens,
        cost=its.micros if its.micros is not None else _cost(expert, its, model, recorded),
        latency_s=its.latency_s or 0.0,
    )


def _cost(expert: ExpertSpec, its: recording.Outcome, model: str, recorded: recording.RecordedPool) -> Micros:
    """Return what the call costs at the expert's price, else at the one the recording lists."""
    price = recorded.prices.get(model) if expert.price.free else expert.price
    return FREE if price is None else price.cost(its.usage.input_tokens, its.usage.output_tokens)


def _skills(recorded: recording.RecordedPool) -> list[Skill]:
    examples: dict[str, list[str]] = defaultdict(list)
    for item in recorded.items:
        if item.category:
            examples[item.category].append(item.query)
    return [Skill(SkillName(name), examples=tuple(examples[name][:_EXAMPLES_PER_SKILL])) for name in sorted(examples)]
