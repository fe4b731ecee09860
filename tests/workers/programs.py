"""Hosts and run workers as programs: starting them, and waiting for what they come to."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from core.hosting import HostState, Standing
from core.ids import RequestId
from core.settings import child_environment
from storage.valkey.hosts import ValkeyHostDirectory
from tests.workers.desk import Desk
from tests.workers.waiting import until

ROOT = Path(__file__).resolve().parents[2]

Start = Callable[..., Awaitable[asyncio.subprocess.Process]]
"""Starts a program in a role; see `starting`."""


@asynccontextmanager
async def starting(redis_url: str, folder: Path) -> AsyncIterator[Start]:
    """Start programs that work in `folder`; whatever is left of them is killed at the end."""
    started: list[asyncio.subprocess.Process] = []

    async def begin(role: str, host_id: str = "h1", url: str = redis_url) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.workers.process",
            role,
            cwd=ROOT,
            start_new_session=True,
            env=child_environment(
                {
                    "CONCLAVE_REDIS_URL": url,
                    "CONCLAVE_HOST_ID": host_id,
                    "CONCLAVE_CACHE": str(folder / "cache"),
                    "CONCLAVE_LEASE_SECONDS": "1",
                }
            ),
        )
        started.append(process)
        return process

    try:
        yield begin
    finally:
        for process in started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def host_named(name: str, directory: ValkeyHostDirectory) -> HostState:
    """Wait until a host says that it is alive."""

    async def look() -> HostState | None:
        return next((host for host in await directory.hosts() if host.id == name), None)

    host = await until(look)
    assert host is not None
    return host


async def lost(desk: Desk, request: RequestId) -> None:
    """Wait until the mailbox says that the host of a request is gone."""

    async def look() -> bool:
        return await desk.mailbox.standing(request) is Standing.LOST

    await until(look)


async def claimed(desk: Desk, request: RequestId) -> None:
    """Wait until a host took a request."""

    async def look() -> bool:
        return await desk.mailbox.standing(request) is Standing.CLAIMED

    await until(look)


async def gone(pids: list[int]) -> None:
    """Wait until processes have ended."""

    async def look() -> bool:
        return not await asyncio.to_thread(lambda: [pid for pid in pids if Path(f"/proc/{pid}/statm").exists()])

    await until(look)


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(line) for line in listed.stdout.split()]
