"""A host or a run worker as a program: the real entry points, on Valkey alone and with SmolLM2 under two names."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from core.clock import Clock, SystemClock
from core.experts import Catalogue
from core.ports import Doorbell, HostDirectory, Ledger, Mailbox, RunLog
from core.settings import Settings, load_settings
from storage.memory.ledger import MemoryLedger
from storage.postgres.database import Database
from storage.postgres.runs import PostgresRunLog
from storage.queue import CeleryDoorbell
from storage.valkey.connection import Valkey
from storage.valkey.hosts import ValkeyHostDirectory
from storage.valkey.mailbox import ValkeyMailbox
from tests.workers.models import smollm
from wiring.configuration.values import Configuration
from workers.entry import run_host, run_worker


@dataclass
class Parts:
    """What workers take from a container."""

    configuration: Configuration
    clock: Clock
    mailbox: Mailbox
    hosts: HostDirectory
    doorbell: Doorbell
    ledger: Ledger
    runs: RunLog
    valkey: Valkey

    async def aclose(self) -> None:
        await self.valkey.aclose()


async def build(settings: Settings) -> Parts:
    """The parts of this process; raises `Unavailable` while Valkey is not there."""
    assert settings.redis_url is not None
    url = settings.redis_url.get_secret_value()
    clock, valkey = SystemClock(), Valkey(url)
    models = {model.name: model for model in (smollm(slots=2), smollm("second", slots=2))}
    configuration = Configuration("test", Path("test.yaml"), Catalogue(models=models), pools={})
    await valkey.command("PING")
    return Parts(
        configuration,
        clock,
        ValkeyMailbox(valkey),
        ValkeyHostDirectory(valkey),
        CeleryDoorbell(url),
        MemoryLedger(clock),
        # PostgreSQL is away: a sweep that cannot end runs must go on ringing.
        PostgresRunLog(Database("postgresql://nobody@127.0.0.1:1/none")),
        valkey,
    )


if __name__ == "__main__":
    run = {"host": run_host, "worker": run_worker}[sys.argv[1]]
    sys.exit(run(load_settings(), build))
