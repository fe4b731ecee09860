"""Many spenders at once, and servers that fail under them: never a micro-dollar over the cap."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from core.budgets import Budget, Spend
from core.errors import BudgetExceeded, ConclaveError
from core.ids import HoldId
from core.money import Micros
from storage.ledger import EscrowLedger
from storage.postgres.accounts import PostgresAccounts
from storage.postgres.database import Database
from storage.valkey.connection import Valkey
from tests.storage import spender
from tests.storage.harness import LedgerCase, service_case
from wiring.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 1_000_000
FAULTY_LIMIT = 300_000
TTL_S = 60.0


@pytest.fixture
def own_valkey(server_home: Path, request: pytest.FixtureRequest) -> Iterator[EmbeddedValkey]:
    """A Valkey that a test may break."""
    server = EmbeddedValkey(server_home / f"own-{abs(hash(request.node.name)) % 10**6}")
    yield server
    server.stop()


async def a_spender(redis_url: str, database_url: str, seed: int, death: int) -> Process:
    """A process that is ready to spend."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.storage.spender", redis_url, database_url, "race", str(seed), "80", str(death)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    await process.stdout.readline()
    return process


async def outcome(process: Process) -> tuple[int, int]:
    """What a process really used, and how it ended."""
    out, _ = await process.communicate(b"go\n")
    return sum(map(int, out.split())), process.returncode or 0


async def test_processes_that_race_and_die_never_overspend(redis_url: str, postgres_url: str) -> None:
    case = service_case(redis_url, postgres_url)
    await case.ledger.open("race", Budget(Micros(LIMIT)))
    # Each dies within its first eight requests, which it makes at once: before the others can have used everything.
    deaths = (3, 5, 0, 0)
    spenders = await asyncio.gather(
        *(a_spender(redis_url, postgres_url, seed, death) for seed, death in enumerate(deaths))
    )

    doomed = [asyncio.create_task(outcome(spender)) for spender in spenders[:2]]
    outcomes = [*(await asyncio.gather(*doomed)), *(await asyncio.gather(*map(outcome, spenders[2:])))]

    state = await case.ledger.state("race")
    await case.close()
    used = sum(amount for amount, _ in outcomes)
    assert [code for _, code in outcomes] == [9, 9, 0, 0]
    assert LIMIT // 2 < used <= LIMIT
    # What died unsettled is held until it expires.
    assert used <= state.spent.micros + state.held.micros <= LIMIT
    assert state.held.micros <= 2 * 8 * spender.CEILING


class Spenders:
    """Tasks that spend from one account, with their own books of what was granted and used."""

    def __init__(self, case: LedgerCase, account: str) -> None:
        self.case, self.account, self.rng = case, account, random.Random(7)
        self.used = self.live = self.grants = 0
        self.refused = asyncio.Event()
        self.granted = asyncio.Event()

    async def until_refused(self) -> None:
        while not self.refused.is_set():
            ceiling = self.rng.randrange(1, 2000)
            try:
                hold = await self.case.ledger.reserve(self.account, Spend(Micros(ceiling)), TTL_S)
            except BudgetExceeded:
                self.refused.set()
            except ConclaveError:
                await asyncio.sleep(0)
            else:
                await self.use(hold, ceiling)

    async def use(self, hold: HoldId, ceiling: int) -> None:
        self.live += ceiling
        self.grants += 1
        assert self.used + self.live <= FAULTY_LIMIT
        if self.grants > 100:
            self.granted.set()
        await asyncio.sleep(0)
        actual = self.rng.randrange(ceiling + 1)
        await self.case.ledger.settle(self.account, hold, Spend(Micros(actual)))
        self.live -= ceiling
        self.used += actual


async def flushed(server: EmbeddedValkey, case: LedgerCase) -> None:
    assert case.lose is not None
    await case.lose()


async def killed(server: EmbeddedValkey, case: LedgerCase) -> None:
    assert server.pid is not None
    os.killpg(server.pid, signal.SIGKILL)


async def killed_and_restarted(server: EmbeddedValkey, case: LedgerCase) -> None:
    await killed(server, case)
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.start)


@pytest.mark.parametrize("fault", [flushed, killed, killed_and_restarted])
async def test_a_valkey_that_fails_midway_never_costs_more_than_the_cap(
    own_valkey: EmbeddedValkey, postgres_url: str, fault: Callable[[EmbeddedValkey, LedgerCase], Awaitable[None]]
) -> None:
    case = service_case(await asyncio.to_thread(own_valkey.start), postgres_url)
    account = f"fault:{fault.__name__}"
    await case.ledger.open(account, Budget(Micros(FAULTY_LIMIT)))
    spenders = Spenders(case, account)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for _ in range(16):
            group.create_task(spenders.until_refused())
        await spenders.granted.wait()
        await fault(own_valkey, case)

    state = await case.ledger.state(account)
    await case.close()
    assert spenders.grants > 100
    assert spenders.used <= state.spent.micros + state.held.micros <= FAULTY_LIMIT


@pytest.fixture
async def orphaned(own_valkey: EmbeddedValkey, postgres_url: str) -> AsyncIterator[EscrowLedger]:
    """A ledger whose Valkey stopped, after an account was opened and used."""
    case = service_case(await asyncio.to_thread(own_valkey.start), postgres_url)
    assert isinstance(case.ledger, EscrowLedger)
    await case.ledger.open("orphan", Budget(Micros(LIMIT)), concurrency=2)
    await asyncio.to_thread(own_valkey.stop)
    yield case.ledger
    await case.close()


async def test_without_valkey_the_database_keeps_every_promise(orphaned: EscrowLedger) -> None:
    before = await orphaned.state("orphan")
    hold = await orphaned.reserve("orphan", Spend(Micros(1000)), TTL_S)
    other = await orphaned.reserve("orphan", Spend(Micros(1000)), TTL_S)

    with pytest.raises(ConclaveError, match="2 requests in flight"):
        await orphaned.reserve("orphan", Spend(Micros(1)), TTL_S)
    await orphaned.settle("orphan", hold, Spend(Micros(400)))
    await orphaned.settle("orphan", hold, Spend(Micros(900)))
    await orphaned.release("orphan", other)
    with pytest.raises(BudgetExceeded):
        await orphaned.reserve("orphan", Spend(Micros(LIMIT - 399)), TTL_S)

    after = await orphaned.state("orphan")
    assert (after.spent.micros - before.spent.micros, after.held.micros) == (400, 0)


async def test_without_valkey_holds_expire(orphaned: EscrowLedger) -> None:
    before = await orphaned.expire()
    await orphaned.reserve("orphan", Spend(Micros(1000)), 0.0)

    assert (before, await orphaned.expire()) == (0, 1)
    assert (await orphaned.state("orphan")).held == Spend()


async def test_what_was_spent_reaches_the_database_by_itself(redis_url: str, postgres_url: str) -> None:
    valkey, database = Valkey(redis_url), Database(postgres_url)
    ledger = EscrowLedger(valkey, database, report_s=0.01)
    await ledger.open("told", Budget())
    await ledger.settle("told", await ledger.reserve("told", Spend(Micros(70)), TTL_S), Spend(Micros(60)))

    async with asyncio.timeout(10):
        while (await PostgresAccounts(database).truth("told")).spent.micros != 60:
            pass

    await ledger.aclose()
    await valkey.aclose()
    await database.aclose()


async def test_closing_gives_back_what_was_not_spent(redis_url: str, postgres_url: str) -> None:
    case, database = service_case(redis_url, postgres_url), Database(postgres_url)
    await case.ledger.open("back", Budget(Micros(1000)))
    await case.ledger.settle("back", await case.ledger.reserve("back", Spend(Micros(10)), TTL_S), Spend(Micros(5)))

    await case.close()

    truth = await PostgresAccounts(database).truth("back")
    await database.aclose()
    assert (truth.spent.micros, truth.outstanding.micros) == (5, 0)


async def test_an_idle_account_leaves_nothing_in_valkey(redis_url: str, postgres_url: str) -> None:
    valkey, database = Valkey(redis_url), Database(postgres_url)
    ledger = EscrowLedger(valkey, database, idle_s=0.0)
    await ledger.open("idle", Budget(Micros(1000)))
    await ledger.settle("idle", await ledger.reserve("idle", Spend(Micros(10)), TTL_S), Spend(Micros(5)))
    await ledger.state("idle")

    await ledger.expire()

    keys = await valkey.command("KEYS", "*")
    state = await ledger.state("idle")
    await ledger.aclose()
    await valkey.aclose()
    await database.aclose()
    assert keys == []
    assert (state.spent.micros, state.held.micros) == (5, 0)
