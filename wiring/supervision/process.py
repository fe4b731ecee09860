"""A child process as a supervised part: its own session, its own log file, ready when its probe says so."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.clock import Clock
from core.errors import ConclaveError, ConfigurationError, Unavailable
from core.settings import child_environment
from wiring.supervision.logs import last_lines, open_log, rotate
from wiring.supervision.parts import Ready

_POLL_S = 0.05
_ROTATE_S = 30.0
CONFIGURATION_EXIT = 2
"""The exit code of a process whose configuration is wrong: starting it again cannot help."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run and how long it may take: to be ready, and to end when asked."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log_dir: Path
    ready: Ready | None = None
    ready_s: float = 60.0
    grace_s: float = 20.0


class ChildProcess:
    """Runs a `ChildSpec`. Started from the main thread only: the parent-death signal follows the starting thread."""

    def __init__(self, spec: ChildSpec, clock: Clock) -> None:
        """Prepare; nothing is started yet."""
        self._spec = spec
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None

    @property
    def name(self) -> str:
        """Name the part, for logs."""
        return self._spec.name

    @property
    def pid(self) -> int | None:
        """Return the process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    @property
    def log(self) -> Path:
        """Return the file that holds what the process says."""
        return self._spec.log_dir / f"{self._spec.name}.log"

    async def start(self) -> None:
        """Start the process and wait until it is ready; raises when it ends before that, or is too slow."""
        environment = child_environment({**self._spec.environment, "CONCLAVE_PARENT_PID": str(os.getpid())})
        log = await asyncio.to_thread(open_log, self.log)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._spec.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                # Ctrl-C in a terminal reaches a whole group; children are stopped in order instead.
                start_new_session=True,
            )
        finally:
            os.close(log)
        await self._until_ready(self._process)

    async def ended(self) -> str:
        """Wait until the process ends and say how."""
        if self._process is None:
            return "was not started"
        while True:
            try:
                return _how(await asyncio.wait_for(self._process.wait(), _ROTATE_S))
            except TimeoutError:
                await asyncio.to_thread(rotate, self.log)

    async def stop(self) -> None:
        """Send SIGTERM, then after the grace SIGKILL to its whole session."""
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), self._spec.grace_s)
        # What it started itself and left behind goes with it.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        deadline = self._clock.monotonic() + self._spec.ready_s
        while not (self._spec.ready is None or await self._spec.ready()):
            if process.returncode is not None:
                raise await self._failure(process.returncode, _how(process.returncode))
            if self._clock.monotonic() > deadline:
                await self.stop()
                raise await self._failure(None, f"was not ready after {self._spec.ready_s:g} seconds")
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _POLL_S)

    async def _failure(self, code: int | None, how: str) -> ConclaveError:
        said = await asyncio.to_thread(last_lines, self.log, 3)
        message = f"{self.name} {how}: {said} (log: {self.log})"
        return ConfigurationError(message) if code == CONFIGURATION_EXIT else Unavailable(message)


def _how(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
