"""Feedback over HTTP: a judgement of one's own run, kept with what it says of whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from core.ids import PoolName, RunId
from core.keys import key_id_of
from core.ports import FeedbackLog
from core.runs import RunState
from storage.postgres.database import Database
from storage.postgres.feedback import PostgresFeedbackLog
from tests.api.conftest import CLOCK, Running
from tests.api.heard import recorded


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    database = Database(postgres_url, pool_size=2)
    yield database
    await database.aclose()


@pytest.fixture
def log(database: Database) -> FeedbackLog:
    return PostgresFeedbackLog(database)


@pytest.fixture
async def run(database: Database, api: Running) -> RunId:
    """A run of the runner's key that two experts were heard in."""
    return await recorded(database, key_id_of(api.keys["runner"]), RunState.SUCCEEDED)


async def test_a_right_answer_judges_everybody_who_was_heard(api: Running, log: FeedbackLog, run: RunId) -> None:
    with api.http() as client:
        told = client.post("/v1/feedback", json={"run_id": run, "score": True}).json()

    assert told["judged"] == [{"expert": "echo", "right": 1.0}, {"expert": "priced", "right": 0.0}]
    kept = next(
        one for one in await log.since(PoolName("default"), CLOCK.now() - timedelta(hours=1)) if one.run_id == run
    )
    assert (kept.score, dict(kept.rights), kept.skills[0].name) == (1.0, {"echo": 1.0, "priced": 0.0}, "algebra")


async def test_one_expert_can_be_judged_and_one_that_was_not_heard_cannot(api: Running, run: RunId) -> None:
    with api.http() as client:
        told = client.post("/v1/feedback", json={"run_id": run, "score": 0.5, "expert": "priced"})
        wrong = client.post("/v1/feedback", json={"run_id": run, "score": 0.5, "expert": "pricey"})

    assert told.json()["judged"] == [{"expert": "priced", "right": 0.5}]
    assert wrong.status_code == 404
    assert "priced" in wrong.json()["error"]["message"]


async def test_the_conversation_learns_of_it_at_once(api: Running, run: RunId) -> None:
    with api.http() as client:
        client.post("/v1/feedback", json={"run_id": run, "score": False, "session": "talk"})

    assert api.convener.recruiter.judgements[-1] == ("default", "talk", {"echo": 0.0})


async def test_nobody_judges_the_run_of_another(api: Running, run: RunId) -> None:
    with api.http("other") as client:
        refused = client.post("/v1/feedback", json={"run_id": run, "score": True})

    assert refused.status_code == 404


@pytest.mark.parametrize(("state", "code"), [(RunState.FAILED, "no_answer"), (RunState.RUNNING, "no_answer")])
async def test_without_an_answer_there_is_nothing_to_judge(
    api: Running, database: Database, state: RunState, code: str
) -> None:
    run = await recorded(database, key_id_of(api.keys["runner"]), state)

    with api.http() as client:
        refused = client.post("/v1/feedback", json={"run_id": run, "score": True})

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, code)


async def test_what_passed_no_pool_teaches_no_pool(api: Running, database: Database) -> None:
    run = await recorded(database, key_id_of(api.keys["runner"]), RunState.SUCCEEDED, target="gone")

    with api.http() as client:
        refused = client.post("/v1/feedback", json={"run_id": run, "score": True})

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "no_pool")


@pytest.mark.parametrize("score", [2, -0.1, "right", None, [1]])
def test_a_score_is_true_or_false_or_a_share(api: Running, score: object) -> None:
    with api.http() as client:
        refused = client.post("/v1/feedback", json={"run_id": "0" * 26, "score": score})

    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "score"
