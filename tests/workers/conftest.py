"""Fixtures of the worker tests: mailboxes of both kinds, a directory, hosts that are drained at the end."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from core.clock import SystemClock
from core.experts import ModelSpec
from core.ids import HostId
from core.ports import Mailbox
from storage.memory.mailbox import MemoryMailbox
from storage.valkey.connection import Valkey
from storage.valkey.hosts import ValkeyHostDirectory
from storage.valkey.mailbox import ValkeyMailbox
from tests.workers.desk import Desk
from tests.workers.models import MIB
from tests.workers.programs import Start, starting
from workers.hosting.artefacts import ArtefactStore
from workers.hosting.host import Host, HostOptions
from workers.hosting.process import LlamaEngine
from workers.hosting.residency import Residency
from workers.hosting.tally import Tally

OpenHost = Callable[..., Awaitable[Host]]


@pytest.fixture
async def valkey(redis_url: str) -> AsyncIterator[Valkey]:
    """Connections to an empty Valkey."""
    valkey = Valkey(redis_url)
    yield valkey
    await valkey.aclose()


@pytest.fixture
async def mailbox(valkey: Valkey) -> AsyncIterator[Mailbox]:
    """The mailbox of production; a test may ask for another by parametrising `mailbox` indirectly."""
    mailbox = ValkeyMailbox(valkey)
    yield mailbox
    await mailbox.aclose()


@pytest.fixture
def memory_mailbox() -> Mailbox:
    """The mailbox in memory."""
    return MemoryMailbox(SystemClock())


@pytest.fixture
def directory(valkey: Valkey) -> ValkeyHostDirectory:
    """The hosts that are alive."""
    return ValkeyHostDirectory(valkey)


@pytest.fixture
def hosts() -> list[Host]:
    """The hosts a test started."""
    return []


@pytest.fixture
def desk(mailbox: Mailbox, hosts: list[Host]) -> Desk:
    """A caller who rings every host."""
    return Desk(mailbox, hosts)


@pytest.fixture
async def open_host(
    mailbox: Mailbox, directory: ValkeyHostDirectory, hosts: list[Host], tmp_path: Path
) -> AsyncIterator[OpenHost]:
    """Start hosts in this process; each is drained when the test ends."""
    async with AsyncExitStack() as stack:

        async def start(
            *models: ModelSpec,
            memory: int = 1024 * MIB,
            keep_alive_s: float = 60.0,
            grace_s: float = 0.2,
            turn: float = 8.0,
            on: Mailbox = mailbox,
            name: str = "h1",
        ) -> Host:
            clock, tally, rng = SystemClock(), Tally(), random.Random(1)
            locate = ArtefactStore(tmp_path).locate
            host = Host(
                HostOptions(HostId(name), f"host.{name}", memory, 2.0, keep_alive_s, turn, grace_s),
                models={spec.name: spec for spec in models},
                mailbox=on,
                directory=directory,
                residency=Residency(LlamaEngine(), locate, memory, clock, tally, rng),
                tally=tally,
                clock=clock,
                rng=rng,
            )
            await host.start()
            hosts.append(host)
            stack.push_async_callback(host.drain)
            return host

        yield start


@pytest.fixture
async def start(redis_url: str, tmp_path: Path) -> AsyncIterator[Start]:
    """Start hosts and run workers as programs; whatever is left of them is killed when the test ends."""
    async with starting(redis_url, tmp_path) as begin:
        yield begin
