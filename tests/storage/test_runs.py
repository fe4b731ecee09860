"""The record of runs: what is written is read back, once, in order, and a run ends once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.budgets import Spend
from core.clock import SystemClock
from core.errors import Conflict, NotFound
from core.events import Event, EventKind
from core.ids import KeyId, RunId, UlidSource
from core.messages import Json
from core.money import Micros
from core.runs import Run, RunState, UsageRecord
from storage.postgres.database import Database
from storage.postgres.runs import PostgresRunLog
from storage.postgres.usage import PostgresUsageLog

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
ids = UlidSource(SystemClock())


def a_run() -> Run:
    return Run(RunId(ids.new()), KeyId("k1"), "default", RunState.RUNNING, NOW, over_by=NOW + timedelta(minutes=5))


def ended(run: Run, state: RunState = RunState.SUCCEEDED) -> Run:
    return replace(run, state=state, finished_at=NOW, spend=Spend(Micros(12), 34, 5))


def an_event(run: Run, seq: int, data: dict[str, Json] | None = None) -> Event:
    return Event(run.id, seq, EventKind.SKILLS_TAGGED, NOW, data or {"n": seq})


@pytest.fixture
def log(database: Database) -> PostgresRunLog:
    return PostgresRunLog(database)


async def test_a_run_is_read_back_as_it_ended(log: PostgresRunLog) -> None:
    run = a_run()

    await log.begin(run)
    await log.finish(ended(run))

    assert await log.run(run.id) == ended(run)


async def test_a_call_passed_through_is_known_by_its_usage(log: PostgresRunLog, database: Database) -> None:
    run, usage = RunId(ids.new()), PostgresUsageLog(database)
    for expert, outcome in (("coder", "upstream_error"), ("quick", "ok")):
        usage.record(UsageRecord(run, KeyId("k1"), None, expert, 10, 5, 0, 7, 1.5, outcome, NOW))
    await usage.flush()

    told = await log.run(run)

    assert (told.target, told.state, told.key_id) == ("expert/coder", RunState.SUCCEEDED, KeyId("k1"))
    assert told.spend == Spend(Micros(14), 30, 2)
    assert (told.finished_at, told.started_at) == (NOW, NOW - timedelta(seconds=1.5))
    assert list(await log.events(run)) == []
    await usage.aclose()


async def test_events_come_back_in_order_above_a_number(log: PostgresRunLog) -> None:
    run = a_run()
    await log.begin(run)

    await log.append([an_event(run, 2), an_event(run, 1)])
    await log.append([an_event(run, 3)])

    assert [event.seq for event in await log.events(run.id)] == [1, 2, 3]
    assert list(await log.events(run.id, after=2)) == [an_event(run, 3)]


async def test_a_run_leaves_running_once(log: PostgresRunLog) -> None:
    run = a_run()
    await log.begin(run)

    endings = [ended(run), ended(run, RunState.FAILED), ended(run, RunState.CANCELLED)]
    outcomes = await asyncio.gather(*map(log.finish, endings), return_exceptions=True)

    assert sorted(map(type, outcomes), key=str) == [type(None), Conflict, Conflict]


async def test_a_sequence_number_is_used_once(log: PostgresRunLog) -> None:
    run = a_run()
    await log.begin(run)
    await log.append([an_event(run, 1)])

    with pytest.raises(Conflict, match="sequence number"):
        await log.append([an_event(run, 1)])


async def test_one_bad_write_does_not_take_its_neighbours_with_it(log: PostgresRunLog) -> None:
    good, other = a_run(), a_run()
    await log.begin(good)

    outcomes = await asyncio.gather(
        log.append([an_event(good, 1)]),
        log.append([an_event(good, 1)]),
        log.append([an_event(a_run(), 1)]),
        log.begin(other),
        return_exceptions=True,
    )

    assert [type(outcome) for outcome in outcomes] == [type(None), Conflict, NotFound, type(None)]
    assert (await log.run(other.id)).state is RunState.RUNNING


async def test_many_runs_at_once_are_all_recorded(log: PostgresRunLog) -> None:
    runs = [a_run() for _ in range(200)]

    async def live(run: Run) -> None:
        await log.begin(run)
        await log.append([an_event(run, seq) for seq in range(1, 6)])
        await log.finish(ended(run))

    await asyncio.gather(*map(live, runs))

    assert all([await log.run(run.id) == ended(run) for run in runs[::20]])


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "\\u0000", "\U0001f600", "\ufffe"])
async def test_words_the_database_refuses_never_lose_an_event(log: PostgresRunLog, text: str) -> None:
    run = a_run()
    await log.begin(run)

    await log.append([an_event(run, 1, {"text": text, text: [text]})])

    clean = text.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    assert (await log.events(run.id))[0].data == {"text": clean, clean: [clean]}


async def test_a_log_that_writes_behind_reads_what_it_took(database: Database) -> None:
    log, run = PostgresRunLog(database, behind=True), a_run()

    await log.begin(run)
    await log.append([an_event(run, 1)])
    await log.finish(ended(run))

    assert await log.run(run.id) == ended(run)
    assert list(await log.events(run.id)) == [an_event(run, 1)]


async def test_a_log_that_writes_behind_never_fails_its_caller() -> None:
    database = Database("postgresql://nobody@127.0.0.1:1/none")
    log = PostgresRunLog(database, behind=True)

    await log.begin(a_run())

    await log.aclose()
    await database.aclose()


async def test_an_unknown_run_is_not_found(log: PostgresRunLog) -> None:
    with pytest.raises(NotFound, match="no run"):
        await log.run(RunId("nobody"))
    with pytest.raises(NotFound, match="no run"):
        await log.finish(ended(a_run()))
