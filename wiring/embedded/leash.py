"""Ties a server to this process: it stops when told, and also when this process dies, however it dies.

A shell of a few lines starts the server and waits on a pipe; the pipe closes when its only writer, this process, is
gone. Unlike a parent-death signal this works on every POSIX system and does not mind which thread started it.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# Descriptor 3 is the pipe. The shell ends with the server's own exit code.
_SCRIPT = """
stop=$1; shift
exec 3<&0
"$@" </dev/null 3<&- & server=$!
{ read -r _ <&3; kill -s "$stop" $server; } 2>/dev/null & leash=$!
exec 3<&- </dev/null
wait $server; code=$?
kill $leash 2>/dev/null
exit $code
"""


@dataclass(frozen=True, slots=True)
class Account:
    """The system user a server runs as."""

    uid: int
    gid: int


class LeashedProcess:
    """One server process in its own session, so that Ctrl-C in a terminal does not reach it before its turn."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        stop_signal: str,
        log: IO[bytes],
        keep_open: Sequence[int] = (),
        account: Account | None = None,
    ) -> None:
        """Start `command`; its output goes to `log`, and it inherits the descriptors of `keep_open`, all above 9."""
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "leash", stop_signal, *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd="/",
            pass_fds=tuple(keep_open),
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )

    @property
    def pid(self) -> int:
        """Return the process group of the server."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """Return the server's exit code, or nothing while it runs."""
        return self._process.poll()

    def stop(self, grace_s: float) -> None:
        """Ask the server to stop, and end its whole group by force after `grace_s` seconds."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
