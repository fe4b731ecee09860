"""Both mailboxes serve the same requests in the same order, whatever is asked, taken, given back and called off."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from core.clock import SystemClock
from core.hosting import Claim
from core.ids import RequestId
from core.ports import Mailbox
from storage.memory.mailbox import MemoryMailbox
from storage.valkey.connection import Valkey
from storage.valkey.mailbox import ValkeyMailbox
from tests.storage.test_mailbox import PATIENCE_S, a_request, granted


@pytest.fixture
async def twins(redis_url: str) -> AsyncIterator[tuple[Mailbox, Mailbox]]:
    valkey = Valkey(redis_url, deadline_s=PATIENCE_S)
    mailbox = ValkeyMailbox(valkey)
    yield MemoryMailbox(SystemClock()), mailbox
    await mailbox.aclose()
    await valkey.aclose()


async def played(mailbox: Mailbox, seed: int) -> list[str]:
    """The requests in the order they were claimed, in a game decided by the seed alone."""
    rng, asked, served = random.Random(seed), 0, list[str]()
    claims: list[Claim] = []
    grant = await granted(mailbox)
    for _ in range(60):
        move = rng.choice(["submit", "submit", "submit", "claim", "claim", "hand back", "cancel"])
        if move == "submit":
            asked += 1
            request = replace(a_request(f"{seed}-{asked}"), caller=f"key:{rng.randrange(3)}", batch=rng.random() < 0.4)
            await mailbox.submit(replace(request, work_tokens=rng.randrange(1, 50)))
        elif move == "claim":
            claims = list((await mailbox.claim(grant, rng.randrange(1, 4), PATIENCE_S)).taken)
            served += [claim.request.id for claim in claims]
        elif move == "hand back":
            await mailbox.hand_back(claims)
        else:
            await mailbox.cancel(RequestId(f"{seed}-{rng.randrange(1, asked + 2)}"))
    return served + [claim.request.id for claim in (await mailbox.claim(grant, 100, PATIENCE_S)).taken]


@pytest.mark.parametrize("seed", range(12))
async def test_twins_serve_in_the_same_order(twins: tuple[Mailbox, Mailbox], seed: int) -> None:
    memory, valkey = twins

    assert await played(memory, seed) == await played(valkey, seed)
