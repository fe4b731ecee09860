"""Hosts and run workers as real processes: killed, told to stop, started before their broker."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from core.hosting import FrameKind
from storage.queue import CeleryDoorbell
from storage.valkey.connection import Valkey
from storage.valkey.hosts import ValkeyHostDirectory
from tests.workers.desk import Desk, ending_of
from tests.workers.programs import Start, children_of, claimed, gone, host_named, lost
from tests.workers.waiting import until
from wiring.embedded.valkey import EmbeddedValkey

ENDLESS: dict[str, Any] = {"max_tokens": 900, "ignore_eos": True}


@pytest.fixture
async def doorbell(redis_url: str) -> AsyncIterator[CeleryDoorbell]:
    """The real doorbell."""
    doorbell = CeleryDoorbell(redis_url)
    yield doorbell
    await doorbell.aclose()


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
