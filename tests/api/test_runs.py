"""Runs and their events over HTTP: in order, without gaps, resumable, and only for those who may see them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from core.budgets import Spend
from core.events import Event, EventKind
from core.ids import RunId, UlidSource
from core.keys import key_id_of
from core.money import Micros
from core.ports import RunLog
from core.runs import Run, RunState
from storage.postgres.database import Database
from storage.postgres.runs import PostgresRunLog
from tests.api.conftest import CLOCK, DEADLINE_S, Running

KINDS = (EventKind.RUN_ADMITTED, EventKind.PANEL_RECRUITED, EventKind.ANSWER_FINAL, EventKind.RUN_SETTLED)


@pytest.fixture
async def log(postgres_url: str) -> AsyncIterator[RunLog]:
    """The run log that the API reads."""
    database = Database(postgres_url, pool_size=2)
    yield PostgresRunLog(database)
    await database.aclose()


def client_of(api: Running, kind: str) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {api.keys[kind]}"}
    return httpx.AsyncClient(base_url=api.url, headers=headers, timeout=DEADLINE_S, trust_env=False)


async def begun(log: RunLog, api: Running) -> Run:
    """A run of the runner's key with its first two events."""
    key_id = key_id_of(api.keys["runner"])
    now = CLOCK.now()
    run = Run(
        RunId(UlidSource(CLOCK).new()), key_id, "default", RunState.RUNNING, now, over_by=now + timedelta(hours=1)
    )
    await log.begin(run)
    await log.append(events_of(run.id)[:2])
    return run


async def ended(log: RunLog, run: Run) -> None:
    """Its last two events, and its end."""
    await log.append(events_of(run.id)[2:])
    over = replace(run, state=RunState.SUCCEEDED, finished_at=CLOCK.now(), spend=Spend(Micros(7), 15, 1))
    await log.finish(over)


def events_of(run_id: RunId) -> list[Event]:
    return [Event(run_id, n, kind, CLOCK.now(), {"step": n}) for n, kind in enumerate(KINDS, 1)]


async def test_a_run_is_shown_with_its_state_and_spend(api: Running, log: RunLog) -> None:
    run = await begun(log, api)
    await ended(log, run)

    async with client_of(api, "runner") as client:
        shown = (await client.get(f"/v1/runs/{run.id}")).json()

    assert shown["state"] == "succeeded"
    assert shown["spend"] == {"usd": 7e-06, "tokens": 15, "calls": 1}


async def test_a_run_can_be_followed_while_it_goes(api: Running, log: RunLog) -> None:
    run = await begun(log, api)

    async with client_of(api, "runner") as client, client.stream("GET", f"/v1/runs/{run.id}/events") as stream:
        lines = stream.aiter_lines()
        assert [await anext(lines), await anext(lines)] == ["id: 1", "event: run.admitted"]
        await ended(log, run)
        rest = [line async for line in lines]

    assert [line for line in rest if line.startswith("id:")] == ["id: 2", "id: 3", "id: 4"]


@pytest.mark.parametrize("cut", [1, 2, 3, 4])
async def test_a_broken_stream_is_taken_up_where_it_broke(api: Running, log: RunLog, cut: int) -> None:
    run = await begun(log, api)
    await ended(log, run)

    async with client_of(api, "runner") as client:
        answer = await client.get(f"/v1/runs/{run.id}/events", headers={"last-event-id": str(cut)})

    seen = [line for line in answer.text.splitlines() if line.startswith("id:")]
    assert seen == [f"id: {n}" for n in range(cut + 1, 5)]


@pytest.mark.parametrize("given", ["-1", "5", "99999999999999999999", "x", "\u0661", "1;2", ""])
async def test_a_position_that_is_no_event_of_the_run_is_refused(api: Running, log: RunLog, given: str) -> None:
    run = await begun(log, api)
    await ended(log, run)

    async with client_of(api, "runner") as client:
        answer = await client.get(f"/v1/runs/{run.id}/events", headers={b"last-event-id": given.encode()})

    assert answer.status_code == 400


async def test_a_run_of_another_key_looks_like_one_that_is_not_there(api: Running, log: RunLog) -> None:
    run = await begun(log, api)

    async with client_of(api, "other") as client:
        others, nobodys = await client.get(f"/v1/runs/{run.id}"), await client.get(f"/v1/runs/{'0' * 26}")

    assert (others.status_code, others.json()) == (nobodys.status_code, nobodys.json())
    assert others.status_code == 404


@pytest.mark.parametrize("kind", ["viewer", "approver", "admin", "operator"])
async def test_those_who_oversee_may_look_at_any_run(api: Running, log: RunLog, kind: str) -> None:
    run = await begun(log, api)

    async with client_of(api, kind) as client:
        assert (await client.get(f"/v1/runs/{run.id}")).json()["id"] == run.id


async def test_a_run_without_a_key_is_not_the_runners(api: Running, log: RunLog) -> None:
    run = replace(await begun(log, api), id=RunId(UlidSource(CLOCK).new()), key_id=None)
    await log.begin(run)

    async with client_of(api, "runner") as client:
        assert (await client.get(f"/v1/runs/{run.id}")).status_code == 404
