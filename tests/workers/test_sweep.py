"""The sweep makes good what was lost: it rings for what waits, and ends holds and runs past their time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from core.budgets import Budget, Spend
from core.clock import ManualClock
from core.hosting import HostState
from core.ids import HostId, ModelName, RunId
from core.money import Micros
from core.runs import Run, RunState
from storage.memory.ledger import MemoryLedger
from storage.memory.mailbox import MemoryMailbox
from storage.postgres.database import Database
from storage.postgres.runs import PostgresRunLog
from storage.valkey.hosts import ValkeyHostDirectory
from tests.workers.desk import Desk
from workers.sweep import Sweep


class Bells:
    """A doorbell that remembers whom it woke."""

    def __init__(self) -> None:
        self.rung: list[str] = []

    async def ring(self, host: HostState) -> None:
        self.rung.append(host.id)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
def bells() -> Bells:
    return Bells()


@pytest.fixture
def mailbox(clock: ManualClock) -> MemoryMailbox:
    """A mailbox whose time the test moves."""
    return MemoryMailbox(clock)


@pytest.fixture
def ledger(clock: ManualClock) -> MemoryLedger:
    return MemoryLedger(clock)


@pytest.fixture
async def runs(postgres_url: str) -> AsyncIterator[PostgresRunLog]:
    database = Database(postgres_url, pool_size=2)
    yield PostgresRunLog(database)
    await database.aclose()


@pytest.fixture
def sweep(
    mailbox: MemoryMailbox, directory: ValkeyHostDirectory, bells: Bells, ledger: MemoryLedger, runs: PostgresRunLog
) -> Sweep:
    return Sweep(mailbox=mailbox, hosts=directory, doorbell=bells, ledger=ledger, runs=runs)


def host(name: str, *, serving: str | None = None, models: tuple[str, ...] = ("m",)) -> HostState:
    busy = ModelName(serving) if serving else None
    return HostState(HostId(name), f"host.{name}", 1, 0, serving=busy, models=frozenset(map(ModelName, models)))


async def test_a_host_is_rung_for_what_waits_too_long(
    sweep: Sweep, desk: Desk, directory: ValkeyHostDirectory, bells: Bells, clock: ManualClock
) -> None:
    await directory.beat(host("idle"), 60)
    await directory.beat(host("another", models=("other",)), 60)
    await desk.submit("m", "Hello")

    await sweep.run()
    assert bells.rung == []
    clock.advance(2)
    await sweep.run()

    assert bells.rung == ["idle"]


async def test_a_host_at_work_is_left_alone(
    sweep: Sweep, desk: Desk, directory: ValkeyHostDirectory, bells: Bells, clock: ManualClock
) -> None:
    await directory.beat(host("busy", serving="m"), 60)
    await desk.submit("m", "Hello")
    clock.advance(2)

    await sweep.run()

    assert bells.rung == []


async def test_nobody_to_ring_is_not_an_error(sweep: Sweep, desk: Desk, bells: Bells, clock: ManualClock) -> None:
    await desk.submit("m", "Hello")
    clock.advance(2)

    await sweep.run()

    assert bells.rung == []


async def test_holds_past_their_time_are_freed(sweep: Sweep, ledger: MemoryLedger, clock: ManualClock) -> None:
    await ledger.open("key:1", Budget(micros=Micros(100)))
    await ledger.reserve("key:1", Spend(micros=Micros(80)), 10)
    clock.advance(11)

    await sweep.run()

    assert (await ledger.state("key:1")).held == Spend()


async def test_a_run_whose_process_died_does_not_run_for_ever(sweep: Sweep, runs: PostgresRunLog) -> None:
    began = datetime.now(UTC) - timedelta(hours=1)
    for name, minutes in (("dead", 5), ("alive", 90)):
        await runs.begin(
            Run(RunId(name), None, "default", RunState.RUNNING, began, over_by=began + timedelta(minutes=minutes))
        )

    await sweep.run()

    dead = await runs.run(RunId("dead"))
    assert (dead.state, dead.error_code) == (RunState.FAILED, "process_lost")
    assert (await runs.run(RunId("alive"))).state is RunState.RUNNING
