"""The pool that ships decides as promised, by the profile that ships."""

from __future__ import annotations

import asyncio

from core.messages import Message, Role
from core.query import Query
from evals.bench.route import default_routing
from evals.profiling import questions_id
from evals.questions.reading import default_questions
from routing.profiles import load_profiles
from wiring.configuration.loading import PACKAGED, load_configuration
from wiring.stores import SHIPPED_PROFILES


def test_the_shipped_profile_is_of_the_shipped_questions_and_pool() -> None:
    profiles = load_profiles(SHIPPED_PROFILES)
    pool = load_configuration(PACKAGED, {}).pool("default")

    assert profiles.questions_id == questions_id(default_questions())
    assert set(profiles.experts) == set(pool.experts)


def test_arithmetic_goes_to_the_calculator_alone_and_an_open_question_to_one_who_talks() -> None:
    service, pool, embedder = default_routing()

    async def decided(text: str) -> list[str]:
        decision = await service.decide(Query((Message(Role.USER, text),)), pool)
        return [seat.expert for seat in decision.panel]

    async def both() -> tuple[list[str], list[str]]:
        try:
            return await decided("What is 17.5% of 2340?"), await decided("Why is the sky red at sunset?")
        finally:
            await embedder.aclose()

    sums, sky = asyncio.run(both())

    assert sums == ["calculator"]
    assert len(sky) == 1
    assert "calculator" not in sky
