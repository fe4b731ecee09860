"""A throw-away installation for benchmarks: real stores in a temporary folder, and processes that end with it."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from urllib.error import URLError
from urllib.request import urlopen

from core.errors import Unavailable
from core.settings import child_environment
from wiring.embedded.postgres import EmbeddedPostgres
from wiring.embedded.valkey import EmbeddedValkey

_START_S = 60.0
_POLL_S = 0.02


class Stage:
    """Starts processes of this installation on free ports; leaving it stops them and removes every trace."""

    def __init__(self, configuration: str = "") -> None:
        """Use `configuration` as the text of conclave.yaml, or the default one when it is empty."""
        self._configuration = configuration
        self._processes: list[subprocess.Popen[bytes]] = []
        self._started = 0
        self.folder = Path(tempfile.mkdtemp(prefix="conclave-stage-"))
        self._postgres = EmbeddedPostgres(self.folder / "postgres")
        self._valkey = EmbeddedValkey(self.folder / "valkey")
        self.environment: dict[str, str] = {}

    def __enter__(self) -> Stage:
        """Start the stores and apply the migrations."""
        variables = {
            "CONCLAVE_HOME": str(self.folder / "home"),
            "CONCLAVE_DATABASE_URL": self._postgres.start(),
            "CONCLAVE_REDIS_URL": self._valkey.start(),
            "CONCLAVE_KEY_PEPPER": secrets.token_hex(32),
        }
        if self._configuration:
            path = self.folder / "conclave.yaml"
            path.write_text(self._configuration, encoding="utf-8")
            variables["CONCLAVE_CONFIG"] = str(path)
        self.environment = child_environment(variables)
        self.command("migrate")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything, the last started first."""
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._valkey.stop()
        self._postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *arguments: str) -> str:
        """Run a `conclave` command to its end and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *arguments], env=self.environment, capture_output=True, check=True
        )
        return done.stdout.decode()

    def new_key(self) -> str:
        """Return a fresh API key."""
        return str(json.loads(self.command("keys", "create", "--name", "bench", "--json"))["key"])

    def start(
        self,
        module: str,
        *arguments: str,
        cores: Sequence[int] = (),
        variables: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a module as a process, kept on `cores` when some are given."""
        self._started += 1
        with self.log_of(self._started).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env={**self.environment, **(variables or {})},
                stdout=log,
                stderr=log,
            )
        if cores:
            os.sched_setaffinity(process.pid, cores)
        self._processes.append(process)
        return process

    def log_of(self, number: int | None = None) -> Path:
        """Return where the process started as `number` says what it does; the last one by default."""
        return self.folder / f"process-{self._started if number is None else number}.log"

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """Stop one process now."""
        process.terminate()
        process.wait(60)
        self._processes.remove(process)


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def answering(url: str, process: subprocess.Popen[bytes]) -> float:
    """Wait until `url` answers 200 and return the seconds it took; raises `Unavailable` when the process ends first."""
    started = time.perf_counter()
    while time.perf_counter() - started < _START_S:
        if process.poll() is not None:
            raise Unavailable(f"the process that should answer {url} ended with code {process.returncode}")
        if await asyncio.to_thread(_answers, url):
            return time.perf_counter() - started
        await asyncio.sleep(_POLL_S)
    raise Unavailable(f"{url} did not answer within {_START_S:g} s")


def resident_mb(pid: int) -> float:
    """Return a process's resident memory in megabytes, its children not counted."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1) as answer:  # noqa: S310  # our own process on the loopback
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
