"""Usage and budgets over HTTP: a key that may only run sees what is its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from core.ids import KeyId, RunId
from core.keys import key_id_of
from core.runs import UsageRecord
from storage.postgres.database import Database
from storage.postgres.usage import PostgresUsageLog
from tests.api.conftest import CLOCK, Running


@pytest.fixture(scope="module", autouse=True)
def written(postgres_url: str, api: Running) -> None:
    """A call of the runner's key, two of another's, and one of nobody's."""

    async def write() -> None:
        database = Database(postgres_url, pool_size=1)
        log = PostgresUsageLog(database)
        mine, other = (key_id_of(api.keys[kind]) for kind in ("runner", "other"))
        for key, expert in ((mine, "echo"), (other, "echo"), (other, "priced"), (None, "echo")):
            log.record(a_line(key, expert))
        await log.aclose()
        await database.aclose()

    asyncio.run(write())


def a_line(key: KeyId | None, expert: str) -> UsageRecord:
    at = CLOCK.now() - timedelta(hours=1)
    return UsageRecord(RunId("run"), key, "default", expert, 10, 5, 0, 1_500, 0.1, "ok", at)


def usage(api: Running, kind: str, query: str = "") -> Mapping[str, Any]:
    with api.http(kind) as client:
        told: Mapping[str, Any] = client.get(f"/v1/usage{query}").json()
    return told


def test_a_viewer_sees_what_everybody_used(api: Running) -> None:
    told = usage(api, "viewer", "?by=expert")

    assert [(line["expert"], line["calls"], line["cost_usd"]) for line in told["data"]] == [
        ("echo", 3, 0.0045),
        ("priced", 1, 0.0015),
    ]
    assert told["total"] == {
        "calls": 4,
        "input_tokens": 40,
        "output_tokens": 20,
        "cached_tokens": 0,
        "cost_usd": 0.006,
    }


def test_a_runner_sees_its_own(api: Running) -> None:
    assert usage(api, "runner", "?by=key")["data"][0]["key"] == key_id_of(api.keys["runner"])
    assert usage(api, "runner")["total"]["calls"] == 1


def test_a_period_without_calls_is_empty(api: Running) -> None:
    told = usage(api, "viewer", "?since=2020-01-01&until=2020-02-01T00:00:00Z")

    assert (told["data"], told["total"]["calls"]) == ([], 0)
    assert told["until"] == "2020-02-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("?by=poool", "by"),
        ("?since=yesterday", "since"),
        ("?until=9999-99-99", "until"),
        ("?since=2026-01-02&until=2026-01-01", "since"),
        ("?since=0001-01-01", "since"),
        ("?until=0001-01-01", "since"),
        ("?until=0001-01-01T00:00:00%2B14:00", "since"),
        ("?group=day", "?"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(api: Running, query: str, param: str) -> None:
    told = usage(api, "viewer", query)

    assert (told["error"]["type"], told["error"]["param"]) == ("invalid_request_error", param)


def test_budgets_tell_of_keys_that_asked_and_of_those_that_never_did(api: Running) -> None:
    with api.http("runner") as client:
        (mine,) = client.get("/v1/budgets").json()["data"]
    with api.http("operator") as client:
        everybody = client.get("/v1/budgets").json()["data"]

    assert (mine["key"], mine["spent"]) == (key_id_of(api.keys["runner"]), None)
    assert {row["name"] for row in everybody} == set(api.keys)
    assert next(row for row in everybody if row["name"] == "narrow")["concurrency"] == 1
