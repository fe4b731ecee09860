"""Orders for hosts: taken once, by the host they are for, and gone with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.errors import NotFound, Overloaded
from core.hosting import HostCounts, HostState, Order, OrderKind, Phase, Residence
from core.ids import HostId, ModelName
from storage.valkey.connection import Valkey
from storage.valkey.hosts import MOST_ORDERS, ValkeyHostDirectory
from tests.storage.harness import ServerTime

TINY = ModelName("tiny")
LOAD, DRAIN = Order(OrderKind.LOAD, TINY), Order(OrderKind.DRAIN)
ONE, OTHER = HostState(HostId("h1"), "host.h1", 10, 5), HostState(HostId("h2"), "host.h2", 10, 5)


@pytest.fixture
async def valkey(redis_url: str) -> AsyncIterator[Valkey]:
    valkey = Valkey(redis_url, connections=4)
    yield valkey
    await valkey.aclose()


@pytest.fixture
async def directory(valkey: Valkey) -> ValkeyHostDirectory:
    """One host, alive for a minute."""
    directory = ValkeyHostDirectory(valkey)
    await directory.beat(ONE, 60)
    return directory


async def test_a_host_takes_its_orders_once_in_the_order_they_were_left(directory: ValkeyHostDirectory) -> None:
    await directory.beat(OTHER, 60)
    await directory.order(ONE.id, LOAD)
    await directory.order(ONE.id, DRAIN)

    assert list(await directory.beat(OTHER, 60)) == []
    assert list(await directory.beat(ONE, 60)) == [LOAD, DRAIN]
    assert list(await directory.beat(ONE, 60)) == []


async def test_beats_that_race_never_take_an_order_twice(directory: ValkeyHostDirectory) -> None:
    for _ in range(20):
        await directory.order(ONE.id, LOAD)

    taken = await asyncio.gather(*(directory.beat(ONE, 60) for _ in range(8)))

    assert sum(len(orders) for orders in taken) == 20


async def test_an_order_for_a_host_that_is_not_alive_names_those_that_are(directory: ValkeyHostDirectory) -> None:
    with pytest.raises(NotFound, match='no host "h9"; alive are h1') as caught:
        await directory.order(HostId("h9"), LOAD)

    assert (caught.value.error_code, caught.value.param) == ("unknown_host", "host")


async def test_orders_wait_in_bounded_number(directory: ValkeyHostDirectory) -> None:
    for _ in range(MOST_ORDERS):
        await directory.order(ONE.id, LOAD)

    with pytest.raises(Overloaded, match="100 orders wait for host h1"):
        await directory.order(ONE.id, LOAD)

    assert len(await directory.beat(ONE, 60)) == MOST_ORDERS


async def test_orders_go_with_the_host_that_leaves(directory: ValkeyHostDirectory) -> None:
    await directory.order(ONE.id, LOAD)

    await directory.leave(ONE.id)

    assert list(await directory.beat(ONE, 60)) == []


async def test_orders_go_with_the_host_that_stops_beating(directory: ValkeyHostDirectory, valkey: Valkey) -> None:
    await directory.beat(ONE, 0.05)
    await directory.order(ONE.id, LOAD)

    await ServerTime(valkey).passes(0.1)

    assert await valkey.command("KEYS", "*:orders") == []
    with pytest.raises(NotFound, match="no host is alive"):
        await directory.order(ONE.id, LOAD)


async def test_no_id_reaches_another_key(directory: ValkeyHostDirectory) -> None:
    await directory.order(ONE.id, LOAD)

    with pytest.raises(NotFound):
        await directory.order(HostId("h1:orders"), LOAD)


async def test_what_a_host_holds_and_did_comes_back_as_it_was_told(directory: ValkeyHostDirectory) -> None:
    held = Residence(TINY, Phase.FAILED, 7, 1.5, 20.0, 3.0, pinned=True, reason="broken")
    state = HostState(ONE.id, ONE.queue, 10, 5, residences=(held,), counts=HostCounts(loads=2, wait_seconds=0.5))

    await directory.beat(state, 60)

    assert list(await directory.hosts()) == [state]
