"""A service built as it is run: an answer is followed by a shadow, and what that found is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from pydantic import SecretStr

from agents.convening import Asked
from core.answers import Answer
from core.experts import Catalogue, ExpertSpec, Kind
from core.ids import ExpertName, PoolName, RunId
from core.messages import Message, Role
from core.pools import PoolSpec, Shadow
from core.query import Query
from core.settings import Settings
from wiring.build import build_container
from wiring.configuration.values import Configuration
from wiring.container import Container

ASKED = Query((Message(Role.USER, "Which city is the capital of France?\nA. Lyon\nB. Paris"),))
HALL = PoolName("hall")


@pytest.fixture
async def container(postgres_url: str, redis_url: str) -> AsyncIterator[Container]:
    """A whole service of three scripted experts, all of whose answers are shadowed."""
    specs = [_says("one", "Answer: A"), _says("two", "Answer: B"), _says("three", "Answer: B")]
    catalogue = Catalogue({spec.name: spec for spec in specs})
    pool = PoolSpec(HALL, tuple(catalogue.experts), shadow=Shadow(share=1.0))
    settings = Settings(database_url=SecretStr(postgres_url), redis_url=SecretStr(redis_url))
    container = await build_container(settings, Configuration("c1", Path(), catalogue, {HALL: pool}))
    yield container
    await container.aclose()


async def test_an_answer_is_followed_by_a_shadow_whose_samples_are_told_of(container: Container) -> None:
    pool = container.configuration.pool(HALL)
    async with aclosing(container.convener.convene(Asked(RunId("run"), ASKED), pool)) as items:
        answers = [item async for item in items if isinstance(item, Answer)]

    async with asyncio.timeout(20):
        while not container.regrets.of(HALL):
            await container.regrets.look_up()

    assert [answer.text for answer in answers] in (["Answer: A"], ["Answer: B"])
    assert {(regret.constant, regret.samples) for regret in container.regrets.of(HALL)} == {
        ("best_single", 1),
        ("cheapest", 1),
        ("random", 1),
    }


def _says(name: str, reply: str) -> ExpertSpec:
    return ExpertSpec(ExpertName(name), Kind.SCRIPTED, "yes", options=(("reply", reply),), family=name)
