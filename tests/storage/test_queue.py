"""The doorbell puts one empty message on the host's queue, and a broker that is away harms nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from core.hosting import HostState
from core.ids import HostId
from storage.queue import CeleryDoorbell, broker_settings, broker_url
from storage.valkey.connection import Valkey

HOST = HostState(HostId("h1"), "host.h1", 1, 0)
QUEUE = "conclave:celery:host.h1"


@pytest.fixture
async def doorbell(redis_url: str) -> AsyncIterator[CeleryDoorbell]:
    doorbell = CeleryDoorbell(redis_url)
    yield doorbell
    await doorbell.aclose()


@pytest.fixture
async def valkey(redis_url: str) -> AsyncIterator[Valkey]:
    valkey = Valkey(redis_url)
    yield valkey
    await valkey.aclose()


async def test_a_ring_is_a_message_without_content(doorbell: CeleryDoorbell, valkey: Valkey) -> None:
    await doorbell.ring(HOST)

    _, text = await valkey.command("BRPOP", QUEUE, 10)

    assert json.loads(text)["headers"]["task"] == "take_turns"
    assert json.loads(text)["headers"]["argsrepr"] == "()"


async def test_rings_at_once_are_one_message(doorbell: CeleryDoorbell, valkey: Valkey) -> None:
    await asyncio.gather(*(doorbell.ring(HOST) for _ in range(20)))
    await valkey.command("BRPOP", QUEUE, 10)

    assert await valkey.command("LLEN", QUEUE) == 0


async def test_a_broker_that_is_away_harms_nobody() -> None:
    doorbell = CeleryDoorbell("redis://127.0.0.1:1/0")

    await doorbell.ring(HOST)
    await doorbell.aclose()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("redis://:secret@host:1/2", "redis://:secret@host:1/2"),
        ("unix:///run/valkey.sock?db=3", "redis+socket:///run/valkey.sock?virtual_host=3"),
        ("unix:///run/valkey.sock", "redis+socket:///run/valkey.sock?virtual_host=0"),
    ],
)
def test_celery_is_told_the_url_in_its_own_way(given: str, wanted: str) -> None:
    assert broker_url(given) == wanted


def test_no_task_outlives_the_visibility_timeout() -> None:
    settings = broker_settings("redis://host/0")

    assert settings["task_time_limit"] < settings["broker_transport_options"]["visibility_timeout"]
