"""What the host process and the run worker process do from start to end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

import structlog

from core.clock import Clock, SystemClock
from core.errors import ConfigurationError, Unavailable
from core.experts import Engine
from core.ids import HostId, UlidSource
from core.ports import Doorbell, HostDirectory, Ledger, Mailbox, RunLog
from core.settings import Settings
from storage.queue import TAKE_TURNS
from wiring.chores import again_and_again
from wiring.configuration.values import Configuration
from wiring.supervision.pulse import keep_beating
from workers.celery_app import RUNS_QUEUE, consume, make_app
from workers.hosting.artefacts import ArtefactStore
from workers.hosting.engines import Engines
from workers.hosting.host import Host, HostOptions
from workers.hosting.process import LlamaEngine
from workers.hosting.residency import Residency
from workers.hosting.server import ServerEngine
from workers.hosting.tally import Tally
from workers.loop_thread import LoopThread
from workers.sweep import Sweep

_log = structlog.get_logger(__name__)
_SWEEP_S = 5.0
_RETRY_S = (0.5, 1.0, 2.0, 5.0)


class Parts(Protocol):
    """What workers take from a container."""

    @property
    def configuration(self) -> Configuration:
        """Return what conclave.yaml says."""
        ...

    @property
    def clock(self) -> Clock:
        """Return the process's clock."""
        ...

    @property
    def mailbox(self) -> Mailbox:
        """Return the mailboxes of hosted models."""
        ...

    @property
    def hosts(self) -> HostDirectory:
        """Return who is alive."""
        ...

    @property
    def doorbell(self) -> Doorbell:
        """Return what wakes hosts."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Return where money is held."""
        ...

    @property
    def runs(self) -> RunLog:
        """Return where runs are recorded."""
        ...

    async def aclose(self) -> None:
        """Close every connection."""
        ...


Build = Callable[[Settings], Awaitable[Parts]]
"""Makes the parts, inside the event loop they will be used in."""


def run_host(settings: Settings, build: Build | None = None) -> int:
    """Serve local models until SIGTERM; return the exit code. Raises `ConfigurationError` when it cannot begin."""
    redis_url = _redis_url(settings)
    host_id = HostId(settings.host_id or f"host-{UlidSource(SystemClock()).new().lower()}")
    queue = f"host.{host_id}"
    loop = LoopThread("host")
    try:
        parts = loop.run(_patiently(build or _container, settings))
        loop.begin(keep_beating(settings.home, "host"))
        host = loop.run(_open_host(settings, parts, host_id, queue))
        app = make_app(redis_url)

        @app.task(name=TAKE_TURNS)  # type: ignore[untyped-decorator]  # Celery has no types
        def take_turns() -> None:
            # A drain ends the turns of the host, not the process's other work.
            with suppress(asyncio.CancelledError):
                loop.run(host.take_turns())

        _log.info("host.started", host=host_id, queue=queue)
        code = consume(app, host_id, queue, on_stop=lambda: loop.run(host.drain()))
        loop.run(host.drain())
        loop.run(parts.aclose())
    finally:
        loop.close()
    _log.info("host.stopped", host=host_id)
    return code


def run_worker(settings: Settings, build: Build | None = None) -> int:
    """Do durable work and sweep every five seconds until SIGTERM; return the exit code."""
    redis_url = _redis_url(settings)
    name = f"worker-{UlidSource(SystemClock()).new().lower()}"
    loop = LoopThread("worker")
    try:
        parts = loop.run(_patiently(build or _container, settings))
        sweep = Sweep(
            mailbox=parts.mailbox, hosts=parts.hosts, doorbell=parts.doorbell, ledger=parts.ledger, runs=parts.runs
        )
        loop.begin(again_and_again(sweep.run, _SWEEP_S))
        loop.begin(keep_beating(settings.home, "worker"))
        app = make_app(redis_url)

        @app.task(name="sweep")  # type: ignore[untyped-decorator]  # Celery has no types
        def sweep_now() -> None:
            loop.run(sweep.run())

        _log.info("worker.started", worker=name, queue=RUNS_QUEUE)
        code = consume(app, name, RUNS_QUEUE)
        loop.run(parts.aclose())
    finally:
        loop.close()
    _log.info("worker.stopped", worker=name)
    return code


async def _open_host(settings: Settings, parts: Parts, host_id: HostId, queue: str) -> Host:
    hosting = parts.configuration.hosting
    options = HostOptions(
        id=host_id,
        queue=queue,
        memory_bytes=hosting.memory_bytes,
        lease_s=settings.lease_seconds,
        keep_alive_s=hosting.keep_alive_s,
        turn=hosting.turn,
        grace_s=hosting.drain_s,
        policy=hosting.policy,
    )
    rng, tally = random.Random(), Tally()
    engines = Engines({Engine.LLAMA: LlamaEngine(), Engine.SERVER: ServerEngine(settings.home / "logs")})
    host = Host(
        options,
        models=parts.configuration.catalogue.models,
        mailbox=parts.mailbox,
        directory=parts.hosts,
        residency=Residency(
            engines, ArtefactStore(settings.cache).locate, hosting.memory_bytes, parts.clock, tally, rng
        ),
        tally=tally,
        clock=parts.clock,
        rng=rng,
    )
    await host.start()
    return host


async def _patiently(build: Build, settings: Settings) -> Parts:
    """Build the parts, for as long as it takes the stores to be there; other errors are the caller's."""
    tries = 0
    while True:
        try:
            return await build(settings)
        except Unavailable as error:
            pause = _RETRY_S[min(tries, len(_RETRY_S) - 1)] * random.uniform(0.5, 1.5)
            tries += 1
            _log.warning("process.stores_unavailable", reason=error.message, retry_s=round(pause, 1))
            await asyncio.sleep(pause)


async def _container(settings: Settings) -> Parts:
    # The graph and its vendors take seconds to import.
    from wiring.build import build_container

    return await build_container(settings)


def _redis_url(settings: Settings) -> str:
    if settings.redis_url is None:
        raise ConfigurationError("CONCLAVE_REDIS_URL: not set; only `conclave serve` starts a broker by itself")
    return settings.redis_url.get_secret_value()
