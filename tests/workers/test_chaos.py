"""Two hosts in two processes on one mailbox, while one of them is killed, stalled or drained, or the broker is."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from core.hosting import Frame, FrameKind, HostState, Standing
from core.ids import RequestId
from storage.valkey.connection import Valkey
from storage.valkey.hosts import ValkeyHostDirectory
from storage.valkey.mailbox import ValkeyMailbox
from tests.workers.desk import Desk, ending_of
from tests.workers.programs import Start, host_named
from tests.workers.waiting import until
from wiring.embedded.valkey import EmbeddedValkey

ENDLESS: dict[str, Any] = {"max_tokens": 900, "ignore_eos": True}
SHORT: dict[str, Any] = {"max_tokens": 30, "ignore_eos": True}
MODELS = ("smollm2", "second")
REQUESTS = 28

# Two hosts and their engines share the cores with whatever else runs; what they do takes as long as it takes.
pytestmark = pytest.mark.timeout(400)


async def both(directory: ValkeyHostDirectory) -> dict[str, HostState]:
    """Wait until two hosts are alive and each serves a model of its own."""

    async def look() -> dict[str, HostState] | None:
        hosts = {str(host.id): host for host in await directory.hosts()}
        return hosts if len({host.serving for host in hosts.values() if host.slots_busy}) == 2 else None

    found = await until(look, 60.0)
    assert found is not None
    return dict(found)


async def load(desk: Desk, count: int, **options: Any) -> list[RequestId]:
    """Submit requests to both models in turn."""
    return [await desk.submit(MODELS[number % 2], f"Count from {number}.", **options) for number in range(count)]


async def endings(desk: Desk, requests: list[RequestId]) -> list[list[Frame]]:
    """Wait for every result; each is whole, numbered and ended once."""
    results = await asyncio.gather(*(desk.result(request) for request in requests))
    for frames in results:
        assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
        assert [frame.kind in (FrameKind.END, FrameKind.ERROR) for frame in frames[:-1]] == [False] * (len(frames) - 1)
    return results


async def test_two_hosts_share_one_mailbox(start: Start, desk: Desk, directory: ValkeyHostDirectory) -> None:
    await asyncio.gather(start("host", "h1"), start("host", "h2"))
    await asyncio.gather(host_named("h1", directory), host_named("h2", directory))

    requests = await load(desk, REQUESTS, **SHORT)
    await both(directory)
    results = await endings(desk, requests)

    async def counted() -> list[int]:
        counts = [host.counts.requests for host in await directory.hosts()]
        return counts if sum(counts) == REQUESTS else []

    assert {ending_of(frames)["kind"] for frames in results} == {"end"}
    assert min(await until(counted)) > 0


async def test_a_long_mailbox_of_one_model_brings_a_second_host(
    start: Start, desk: Desk, directory: ValkeyHostDirectory
) -> None:
    await asyncio.gather(start("host", "h1"), start("host", "h2"))
    await asyncio.gather(host_named("h1", directory), host_named("h2", directory))
    await desk.ask("smollm2", "Hello", **SHORT)

    requests = [await desk.submit("smollm2", f"Count from {number}.", **SHORT) for number in range(50)]

    async def shared() -> bool:
        return [host.serving for host in await directory.hosts()] == ["smollm2", "smollm2"]

    assert await until(shared, 60.0)
    assert {ending_of(frames)["kind"] for frames in await endings(desk, requests)} == {"end"}


async def test_a_host_killed_under_load_loses_nothing_and_answers_nothing_twice(
    start: Start, desk: Desk, directory: ValkeyHostDirectory
) -> None:
    first, _ = await asyncio.gather(start("host", "h1"), start("host", "h2"))
    requests = await load(desk, REQUESTS, **SHORT)
    await both(directory)

    os.kill(first.pid, signal.SIGKILL)

    kinds = Counter(
        ending["kind"] if ending["kind"] == "end" else ending["code"]
        for ending in map(ending_of, await endings(desk, requests))
    )
    assert set(kinds) <= {"end", "host_lost"}
    # What was partly shown when it died: at most what its slots held.
    assert kinds["host_lost"] <= 2
    assert kinds["end"] >= REQUESTS - 2


async def test_a_stalled_host_is_fenced_and_writes_nothing_when_it_wakes(
    start: Start, desk: Desk, directory: ValkeyHostDirectory
) -> None:
    first, _ = await asyncio.gather(start("host", "h1"), start("host", "h2"))
    requests = await load(desk, 8, **ENDLESS)
    served = (await both(directory))["h1"].serving
    shown = [request for number, request in enumerate(requests) if MODELS[number % 2] == served]
    await desk.begun(shown[0])

    os.kill(first.pid, signal.SIGSTOP)

    async def lost() -> list[RequestId]:
        return [request for request in shown if await desk.mailbox.standing(request) is Standing.LOST]

    fenced = await until(lost)
    before = [await desk.result(request) for request in fenced]
    os.kill(first.pid, signal.SIGCONT)
    await host_named("h1", directory)

    assert {ending_of(frames)["code"] for frames in before} == {"host_lost"}
    assert [await desk.result(request) for request in fenced] == before
    for request in requests:
        await desk.mailbox.cancel(request)
    assert ending_of(await desk.ask(str(served), "Hello", **SHORT))["kind"] == "end"


async def test_a_host_drained_under_load_fails_no_request(
    start: Start, desk: Desk, directory: ValkeyHostDirectory
) -> None:
    first, _ = await asyncio.gather(start("host", "h1"), start("host", "h2"))
    requests = await load(desk, REQUESTS, **SHORT)
    await both(directory)

    first.send_signal(signal.SIGTERM)

    assert {ending_of(frames)["kind"] for frames in await endings(desk, requests)} == {"end"}
    async with asyncio.timeout(20):
        assert await first.wait() == 0
    assert [host.id for host in await directory.hosts()] == ["h2"]


async def test_a_broker_killed_and_restarted_empty_serves_again_within_seconds(start: Start, tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path / "broker")
    url = await asyncio.to_thread(server.start)
    valkey = Valkey(url)
    mailbox = ValkeyMailbox(valkey)
    desk = Desk(mailbox)
    process = await start("host", url=url)
    await host_named("h1", ValkeyHostDirectory(valkey))
    lost = await desk.submit("smollm2", "Count.", **ENDLESS)
    await desk.begun(lost)

    await asyncio.to_thread(restart_empty, server, tmp_path / "broker")

    async with asyncio.timeout(15):
        assert ending_of(await desk.ask("smollm2", "Hello", **SHORT))["kind"] == "end"
    assert await mailbox.standing(lost) is Standing.LOST
    assert process.returncode is None
    await mailbox.aclose()
    await valkey.aclose()
    os.killpg(process.pid, signal.SIGKILL)
    await process.wait()
    await asyncio.to_thread(server.stop)


def restart_empty(server: EmbeddedValkey, folder: Path) -> None:
    """Kill a server, lose what it kept, and start it again where it was."""
    assert server.pid is not None
    os.killpg(server.pid, signal.SIGKILL)
    server.stop()
    shutil.rmtree(folder / "appendonlydir")
    server.start()
