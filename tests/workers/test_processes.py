"""Hosts and run workers as real processes: killed, told to stop, started before their broker."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.hosting import FrameKind, HostState, Standing
from core.ids import RequestId
from core.settings import child_environment
from storage.queue import CeleryDoorbell
from storage.valkey.connection import Valkey
from storage.valkey.hosts import ValkeyHostDirectory
from tests.workers.desk import Desk, ending_of
from tests.workers.waiting import until
from wiring.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).resolve().parents[2]
ENDLESS: dict[str, Any] = {"max_tokens": 900, "ignore_eos": True}

Start = Callable[..., Awaitable[asyncio.subprocess.Process]]


@pytest.fixture
async def start(redis_url: str, tmp_path: Path) -> AsyncIterator[Start]:
    """Start programs; whatever is left of them is killed when the test ends."""
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
                    "CONCLAVE_CACHE": str(tmp_path / "cache"),
                    "CONCLAVE_LEASE_SECONDS": "1",
                }
            ),
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


@pytest.fixture
async def doorbell(redis_url: str) -> AsyncIterator[CeleryDoorbell]:
    """The real doorbell."""
    doorbell = CeleryDoorbell(redis_url)
    yield doorbell
    await doorbell.aclose()


async def host_named(name: str, directory: ValkeyHostDirectory) -> HostState:
    """Wait until a host says that it is alive."""

    async def look() -> HostState | None:
        return next((host for host in await directory.hosts() if host.id == name), None)

    host = await until(look)
    assert host is not None
    return host


async def test_a_ring_over_the_broker_gets_a_request_served(
    start: Start, desk: Desk, directory: ValkeyHostDirectory, doorbell: CeleryDoorbell
) -> None:
    await start("host")
    host = await host_named("h1", directory)
    request = await desk.submit("smollm2", "Hello")

    await doorbell.ring(host)

    assert ending_of(await desk.result(request))["kind"] == "end"


async def test_a_killed_host_fails_its_caller_typed_and_the_next_host_serves(
    start: Start, desk: Desk, directory: ValkeyHostDirectory
) -> None:
    process = await start("host", "first")
    shown = await desk.submit("smollm2", "Count.", **ENDLESS)
    await desk.begun(shown)
    engines = await asyncio.to_thread(children_of, process.pid)

    os.killpg(process.pid, 0)
    os.kill(process.pid, signal.SIGKILL)

    await lost(desk, shown)
    assert ending_of(await desk.result(shown)) | {"message": ""} == {
        "kind": "error", "code": "host_lost", "message": "", "retryable": True
    }  # fmt: skip
    await gone(engines)
    await start("host", "second")
    assert ending_of(await desk.ask("smollm2", "Hello"))["kind"] == "end"


async def test_a_request_nobody_saw_anything_of_survives_a_killed_host(
    start: Start, desk: Desk, directory: ValkeyHostDirectory
) -> None:
    process = await start("host", "first")
    await host_named("first", directory)
    unseen = await desk.submit("smollm2", "word " * 300, max_tokens=8)
    await claimed(desk, unseen)

    os.kill(process.pid, signal.SIGKILL)
    await start("host", "second")

    assert ending_of(await desk.result(unseen))["kind"] == "end"


async def test_a_host_told_to_stop_ends_what_it_can_and_leaves_in_order(
    start: Start, desk: Desk, directory: ValkeyHostDirectory
) -> None:
    process = await start("host")
    shown = await desk.submit("smollm2", "Count.", max_tokens=60, ignore_eos=True)
    await desk.begun(shown)
    engines = await asyncio.to_thread(children_of, process.pid)

    process.send_signal(signal.SIGTERM)

    assert ending_of(await desk.result(shown))["kind"] == FrameKind.END
    async with asyncio.timeout(20):
        assert await process.wait() == 0
    assert list(await directory.hosts()) == []
    await gone(engines)


async def test_a_host_waits_for_a_broker_that_is_not_there_yet(start: Start, tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "late")
    url = await asyncio.to_thread(server.start)
    await asyncio.to_thread(server.stop)
    process = await start("host", url=url)
    with suppress(TimeoutError):
        await asyncio.wait_for(process.wait(), 2.0)

    await asyncio.to_thread(server.start)

    valkey = Valkey(url)
    assert (await host_named("h1", ValkeyHostDirectory(valkey))).id == "h1"
    assert process.returncode is None
    await valkey.aclose()
    os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    await asyncio.to_thread(server.stop)


async def test_a_run_worker_takes_tasks_and_stops_in_order(start: Start, redis_url: str, valkey: Valkey) -> None:
    process = await start("worker")
    await until(lambda: valkey.command("EXISTS", "conclave:celery:_kombu.binding.runs"))

    process.send_signal(signal.SIGTERM)

    async with asyncio.timeout(20):
        assert await process.wait() == 0


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
