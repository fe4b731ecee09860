"""What only the mailbox in Valkey promises: nothing leaks, few connections, and typed errors when it is away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from core.errors import ConfigurationError, Unavailable
from core.hosting import Frame, FrameKind, HostState, Standing
from core.ids import HostId, ModelName, RequestId
from storage.valkey.connection import Valkey
from storage.valkey.hosts import ValkeyHostDirectory
from storage.valkey.mailbox import ValkeyMailbox
from tests.storage.harness import ServerTime
from tests.storage.test_mailbox import HOST, MODEL, PATIENCE_S, a_request, end, granted, text


@pytest.fixture
async def valkey(redis_url: str) -> AsyncIterator[Valkey]:
    valkey = Valkey(redis_url, connections=4)
    yield valkey
    await valkey.aclose()


@pytest.fixture
async def mailbox(valkey: Valkey) -> AsyncIterator[ValkeyMailbox]:
    mailbox = ValkeyMailbox(valkey)
    yield mailbox
    await mailbox.aclose()


async def test_every_key_is_forgotten_in_time(mailbox: ValkeyMailbox, valkey: Valkey) -> None:
    for name in "abcd":
        await mailbox.submit(a_request(name))
    claims = (await mailbox.claim(await granted(mailbox), 3, 60)).taken
    await mailbox.push(claims[0], [text(1)])
    await mailbox.push(claims[1], [end(1)])
    await mailbox.hand_back(claims[2:])
    await mailbox.cancel(RequestId("d"))
    await ValkeyHostDirectory(valkey).beat(HostState(HOST, "host.h1", 1, 0), 5)

    keys = await valkey.command("KEYS", "*")

    assert len(keys) > 5
    assert [key for key in keys if await valkey.command("TTL", key) < 0] == []


async def test_hundreds_of_waiting_readers_share_a_few_connections(mailbox: ValkeyMailbox, valkey: Valkey) -> None:
    wanted = [RequestId(f"r{number}") for number in range(300)]
    await asyncio.gather(*(mailbox.submit(a_request(name)) for name in wanted))
    claims = (await mailbox.claim(await granted(mailbox), 300, 60)).taken
    readers = [asyncio.create_task(mailbox.read(name, 0, PATIENCE_S)) for name in wanted]
    await asyncio.sleep(0)

    await asyncio.gather(*(mailbox.push(claim, [text(1)]) for claim in claims))

    assert [list(frames) for frames in await asyncio.gather(*readers)] == [[text(1)]] * 300
    assert len((await valkey.command("CLIENT", "LIST")).splitlines()) <= 6


async def test_a_server_that_lost_everything_loses_requests_and_nothing_else(
    mailbox: ValkeyMailbox, valkey: Valkey
) -> None:
    await mailbox.submit(a_request("a"))
    claims = (await mailbox.claim(await granted(mailbox), 1, 60)).taken

    await valkey.command("FLUSHALL")
    await valkey.command("SCRIPT FLUSH")

    assert await mailbox.standing(RequestId("a")) is Standing.LOST
    assert not await mailbox.push(claims[0], [text(1)])
    assert await mailbox.submit(a_request("b"))


async def test_a_reader_survives_the_loss_of_its_subscription(mailbox: ValkeyMailbox, valkey: Valkey) -> None:
    await mailbox.submit(a_request("a"))
    claim = ((await mailbox.claim(await granted(mailbox), 1, 60)).taken)[0]
    await mailbox.read(RequestId("a"), 0, 0.01)
    await valkey.command("CLIENT", "KILL", "TYPE", "pubsub")
    reader = asyncio.create_task(mailbox.read(RequestId("a"), 0, PATIENCE_S))
    await asyncio.sleep(0)

    await mailbox.push(claim, [Frame(1, FrameKind.TEXT, "x")])

    assert [frame.data for frame in await reader] == ["x"]


async def test_a_server_that_is_away_is_a_typed_error() -> None:
    valkey = Valkey("redis://127.0.0.1:1/0")

    with pytest.raises(Unavailable, match="Redis cannot be reached"):
        await ValkeyMailbox(valkey).backlog()
    await valkey.aclose()


async def test_a_url_that_is_none_is_a_typed_error() -> None:
    with pytest.raises(ConfigurationError, match="CONCLAVE_REDIS_URL"):
        Valkey("nonsense")


async def test_hosts_are_alive_until_their_last_beat_is_old(valkey: Valkey) -> None:
    directory = ValkeyHostDirectory(valkey)
    steady = HostState(HostId("a"), "host.a", 10, 5, (MODEL,), MODEL, 2, 0.5, frozenset({MODEL, ModelName("x")}))
    await directory.beat(HostState(HostId("b"), "host.b", 10, 5), 0.05)
    await directory.beat(steady, 60)
    both = [state.id for state in await directory.hosts()]

    await ServerTime(valkey).passes(0.1)

    assert both == ["a", "b"]
    assert list(await directory.hosts()) == [steady]


async def test_a_host_that_leaves_is_gone(valkey: Valkey) -> None:
    directory = ValkeyHostDirectory(valkey)
    await directory.beat(HostState(HOST, "host.h1", 10, 5), 60)

    await directory.leave(HOST)

    assert list(await directory.hosts()) == []


async def test_a_caller_whose_requests_were_forgotten_keeps_nobody_behind_from_being_claimed(
    mailbox: ValkeyMailbox, valkey: Valkey
) -> None:
    for name, caller in (("a", "first"), ("gone", "dead"), ("b", "last")):
        await mailbox.submit(replace(a_request(name), caller=caller))
    # What time does to the requests of a process that died while others, which may take longer, wait before them.
    dead = [key for key in await valkey.command("KEYS", "*") if key.endswith((":dead", "request:gone"))]
    assert await valkey.command("DEL", *dead) == 2

    claims = await mailbox.claim(await granted(mailbox), 9, 60)

    assert [claim.request.id for claim in claims.taken] == ["a", "b"]
    assert list(await mailbox.backlog()) == []
