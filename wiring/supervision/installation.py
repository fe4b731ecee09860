"""A whole installation on this machine: stores, migrations, host, worker and API, started in order and kept running."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from core.clock import Clock
from core.errors import ConfigurationError, Unavailable
from core.settings import Settings, child_environment
from wiring.configuration.values import Configuration
from wiring.supervision.children import Supervisor
from wiring.supervision.lock import InstanceLock, ServiceRecord, announce_service
from wiring.supervision.logs import last_lines, open_log
from wiring.supervision.process import CONFIGURATION_EXIT, ChildProcess, ChildSpec
from wiring.supervision.secrets import FIRST_KEY, ensure_pepper, read_secret
from wiring.supervision.server import ServerPart

_ROOT = Path(__file__).resolve().parents[2]
_PREPARE_S = 120.0
_PROBE_S = 2.0
# What a host needs beside its drain: handing back, unloading, leaving.
_HOST_ENDS_S = 15.0
API_GRACE_S = 40.0
"""Seconds the API has to end: it gives answers under way half a minute."""
EVERYTHING = ("host", "worker", "api")

Say = Callable[[str], None]
"""Told, in a few words, what is being done."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Where an installation answers; `new_key` is its first key, only at the start that made it."""

    url: str
    key_file: Path
    new_key: str | None


class Installation:
    """Everything of one state directory; used as an async context, it holds the directory's lock while it lasts."""

    def __init__(
        self,
        settings: Settings,
        configuration: Configuration,
        clock: Clock,
        say: Say,
        roles: Sequence[str] = EVERYTHING,
    ) -> None:
        """Prepare to run `roles` beside the stores; `say` is told about progress."""
        self._settings = settings
        self._configuration = configuration
        self._clock = clock
        self._say = say
        self._roles = roles
        self._home = settings.home.absolute()
        self._lock = InstanceLock(self._home)
        self._supervisor = Supervisor(clock, random.Random())
        self.database_url = settings.database_url.get_secret_value() if settings.database_url else ""
        self.redis_url = settings.redis_url.get_secret_value() if settings.redis_url else ""

    async def __aenter__(self) -> Installation:
        """Take the state directory; nothing is started yet."""
        self._lock.__enter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop everything, the last started first."""
        try:
            # A second Ctrl-C must not leave half of it running.
            await asyncio.shield(asyncio.ensure_future(self._supervisor.stop()))
        finally:
            self._lock.__exit__(None, None, None)

    async def start(self) -> Serving:
        """Start everything and return once the API is ready; raises `ConfigurationError` or `Unavailable`."""
        host = self._settings.host or self._configuration.api.host
        port = self._settings.port if self._settings.port is not None else self._configuration.api.port
        port = claim_port(host, port) if "api" in self._roles else port
        await self._start_stores()
        environment = self._environment()
        known = read_secret(self._home / FIRST_KEY)
        self._say("applying migrations")
        await _run_once("prepare", environment, self._home / "logs")
        address = _reachable(host)
        self._say(f"starting {', '.join(self._roles)}")
        await self._supervisor.start(*(self._child(role, environment, host, port) for role in self._roles))
        url = f"http://{f'[{address}]' if ':' in address else address}:{port}"
        announce_service(self._home, ServiceRecord(os.getpid(), url, self.database_url, self.redis_url))
        key = read_secret(self._home / FIRST_KEY)
        return Serving(url, self._home / FIRST_KEY, key if key != known else None)

    async def watch(self, stop: asyncio.Event) -> None:
        """Return when `stop` is set; raises `Unavailable` when a part cannot be kept running."""
        await self._supervisor.watch(stop)

    async def _start_stores(self) -> None:
        stores: list[ServerPart] = []
        if not self.database_url:
            from wiring.embedded.postgres import EmbeddedPostgres

            stores.append(ServerPart("postgres", EmbeddedPostgres(self._home / "postgres")))
        if not self.redis_url:
            from wiring.embedded.valkey import EmbeddedValkey

            stores.append(ServerPart("valkey", EmbeddedValkey(self._home / "valkey")))
        if stores:
            self._say(f"starting {' and '.join(store.name for store in stores)}")
            await self._supervisor.start(*stores)
        for store in stores:
            if store.name == "postgres":
                self.database_url = store.url
            else:
                self.redis_url = store.url

    def _environment(self) -> dict[str, str]:
        environment = {
            "CONCLAVE_HOME": str(self._home),
            "CONCLAVE_CONFIG": str(self._configuration.path.absolute()),
            "CONCLAVE_DATABASE_URL": self.database_url,
            "CONCLAVE_REDIS_URL": self.redis_url,
            "PYTHONPATH": str(_ROOT),
        }
        if self._settings.key_pepper is None:
            environment["CONCLAVE_KEY_PEPPER_FILE"] = str(ensure_pepper(self._home))
        return environment

    def _child(self, role: str, environment: dict[str, str], host: str, port: int) -> ChildProcess:
        logs = self._home / "logs"
        if role == "host":
            grace_s = self._configuration.hosting.drain_s + _HOST_ENDS_S
            return ChildProcess(ChildSpec(role, conclave(role), environment, logs, grace_s=grace_s), self._clock)
        if role != "api":
            return ChildProcess(ChildSpec(role, conclave(role), environment, logs), self._clock)
        address = _reachable(host)

        async def ready() -> bool:
            return await answers(address, port, "/health/ready")

        own = environment | {"CONCLAVE_HOST": host, "CONCLAVE_PORT": str(port)}
        spec = ChildSpec(role, conclave(role), own, logs, ready=ready, grace_s=API_GRACE_S)
        return ChildProcess(spec, self._clock)


def conclave(*arguments: str) -> tuple[str, ...]:
    """Return the command line of a `conclave` command run by this Python; the working directory cannot shadow it."""
    return (sys.executable, "-P", "-m", "cli.main", *arguments)


def claim_port(host: str, port: int) -> int:
    """Return `port`, or a free one for 0; raises `ConfigurationError` when it is taken or the host is not ours."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return int(probe.getsockname()[1])
    except OSError as error:
        why = error.strerror or str(error)
        message = f"cannot listen on {host} port {port}: {why}; choose another with --port, CONCLAVE_PORT or api.port"
        raise ConfigurationError(message) from None


async def answers(host: str, port: int, path: str) -> bool:
    """Tell whether an HTTP GET of `path` is answered with 200 within two seconds."""
    writer = None
    try:
        async with asyncio.timeout(_PROBE_S):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            status = await reader.readline()
    except (OSError, TimeoutError):
        return False
    finally:
        if writer is not None:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
    return b" 200 " in status


def _reachable(host: str) -> str:
    """Return an address under which this machine reaches a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104  # read, not bound


async def _run_once(command: str, environment: dict[str, str], logs: Path) -> None:
    """Run a `conclave` command to its end; raises with its last words when it fails."""
    path = logs / f"{command}.log"
    log = await asyncio.to_thread(open_log, path)
    try:
        process = await asyncio.create_subprocess_exec(
            *conclave(command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=child_environment(environment | {"CONCLAVE_PARENT_PID": str(os.getpid())}),
            start_new_session=True,
        )
    finally:
        os.close(log)
    try:
        async with asyncio.timeout(_PREPARE_S):
            code = await process.wait()
    except TimeoutError:
        raise Unavailable(f"{command} took more than {_PREPARE_S:g} seconds (log: {path})") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if code != 0:
        message = f"{command} failed: {await asyncio.to_thread(last_lines, path, 3)} (log: {path})"
        raise ConfigurationError(message) if code == CONFIGURATION_EXIT else Unavailable(message)
