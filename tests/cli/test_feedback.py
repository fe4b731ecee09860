"""`conclave feedback` says how right an answer was, and tells whom that judges."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from core.ids import RunId
from core.keys import key_id_of
from core.runs import RunState
from storage.postgres.database import Database
from tests.api.heard import recorded
from tests.cli.conftest import Run, elsewhere


@pytest.fixture(scope="module")
def service(postgres_url: str, valkey_server: str) -> Iterator[dict[str, str]]:
    """A service elsewhere, as the variables that name it and a key that may ask."""
    with elsewhere(postgres_url, valkey_server, "runner") as variables:
        yield variables


@pytest.fixture
async def run_id(postgres_url: str, service: dict[str, str]) -> RunId:
    """A run of the key in which two experts were heard."""
    database = Database(postgres_url, pool_size=1)
    try:
        return await recorded(database, key_id_of(service["CONCLAVE_API_KEY"]), RunState.SUCCEEDED)
    finally:
        await database.aclose()


async def told(conclave: Run, service: dict[str, str], *arguments: str) -> str:
    done = await asyncio.to_thread(conclave, "feedback", *arguments, **service)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_a_right_answer_tells_whom_it_judges(conclave: Run, service: dict[str, str], run_id: RunId) -> None:
    assert await told(conclave, service, run_id, "right") == "echo right, priced wrong\n"


async def test_one_expert_is_judged_by_a_share(conclave: Run, service: dict[str, str], run_id: RunId) -> None:
    shown = json.loads(await told(conclave, service, run_id, "0.5", "--expert", "priced", "--json"))

    assert shown["judged"] == [{"expert": "priced", "right": 0.5}]


async def test_what_is_no_score_is_refused_before_anybody_is_asked(conclave: Run) -> None:
    done = await asyncio.to_thread(conclave, "feedback", "0" * 26, "rigth")

    assert done.returncode == 2
    assert 'score: "rigth" is neither right nor wrong' in done.stderr
