"""A program of somebody else as a process group of its own, tied to this process: it ends when this one is gone."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from core.settings import foreign_environment
from wiring.supervision.logs import last_lines, open_log, rotate

_ORPHAN_GRACE_S = 5
_END_S = 5.0
_SAID_LINES = 3
_SAID = 400
# The shell waits for the program and ends with its exit code. Beside it a second shell waits on a pipe whose only
# writer is the host; when that closes, it ends the whole group: nobody is left to send the signals. Unlike a
# parent-death signal this reaches what the program started itself, and does not mind which thread started it.
_SCRIPT = f"""
exec 3<&0
trap : TERM
"$@" </dev/null 3<&- & program=$!
{{ trap '' TERM; read -r _ <&3; kill -s KILL $$; kill -s TERM 0; sleep {_ORPHAN_GRACE_S}; kill -s KILL 0; }} \
  </dev/null >/dev/null 2>&1 & leash=$!
exec 3<&- </dev/null
wait $program; code=$?
while kill -s 0 $program 2>/dev/null; do wait $program; code=$?; done
kill -s KILL $leash; wait $leash 2>/dev/null
exit $code
"""


class ServerProcess:
    """A running program. What it says goes to a log file that does not grow without bound."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        """Hold a process that `begin` started."""
        self._process = process
        self._log = log

    @classmethod
    async def begin(cls, command: Sequence[str], log: Path) -> ServerProcess:
        """Start `command`, without a shell that reads it; what an earlier run said is kept in `<log>.1`."""
        starting = asyncio.ensure_future(_start(command, log))
        try:
            return cls(await asyncio.shield(starting), log)
        except asyncio.CancelledError:
            # A start cut short would leave its group behind.
            await cls(await starting, log).kill()
            raise

    @property
    def group(self) -> int:
        """Return the process group."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Return whether the program has not ended."""
        return self._process.returncode is None

    async def ended(self) -> str:
        """Wait until the program ends and say how; what it started and left behind ends with it."""
        code = await self._process.wait()
        self._signal(signal.SIGKILL)
        if code < 0:
            return "was killed"
        return f"was ended by {_signal_name(code - 128)}" if code > 128 else f"ended with exit code {code}"

    async def said(self) -> str:
        """Return its last words, bounded."""
        return (await asyncio.to_thread(last_lines, self._log, _SAID_LINES))[-_SAID:]

    async def trim_log(self) -> None:
        """Keep the log from growing without bound."""
        await asyncio.to_thread(rotate, self._log)

    async def stop(self, grace_s: float) -> None:
        """Ask the group to end, and end what is left of it by force after `grace_s` seconds."""
        if self.running:
            self._signal(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), grace_s)
        await self.kill()

    async def kill(self) -> None:
        """End the group by force; also when its program stands still."""
        self._signal(signal.SIGKILL)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _END_S)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _fresh(log: Path) -> int:
    rotate(log, 0)
    return open_log(log)


async def _start(command: Sequence[str], log: Path) -> asyncio.subprocess.Process:
    out = await asyncio.to_thread(_fresh, log)
    try:
        return await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            _SCRIPT,
            "leash",
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=out,
            stderr=out,
            env=foreign_environment(),
            start_new_session=True,
        )
    finally:
        os.close(out)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
