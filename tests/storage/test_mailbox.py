"""The promises of a mailbox, kept by the one in Valkey and by its twin in memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.clock import ManualClock
from core.errors import Overloaded
from core.hosting import Claim, Frame, FrameKind, Grant, HostedRequest, Renewal, Standing
from core.ids import HostId, ModelName, RequestId
from core.ports import Mailbox
from storage.memory.mailbox import MemoryMailbox
from storage.valkey.connection import Valkey
from storage.valkey.mailbox import ValkeyMailbox
from tests.storage.harness import MailboxCase, MovedTime, ServerTime

MODEL, OTHER = ModelName("small"), ModelName("large")
HOST = HostId("h1")
LEASE_S = 0.05
PATIENCE_S = 10.0


def a_request(name: str, model: ModelName = MODEL, total_s: float = 60.0) -> HostedRequest:
    return HostedRequest(RequestId(name), model, json.dumps({"q": f"{name} é\U0001f600"}), "key:1", total_s, 64, True)


def text(seq: int, data: str = "word: one\n") -> Frame:
    return Frame(seq, FrameKind.TEXT, data)


def end(seq: int) -> Frame:
    return Frame(seq, FrameKind.END, "{}")


@pytest.fixture(params=["memory", "valkey"])
async def case(request: pytest.FixtureRequest, redis_url: str) -> AsyncIterator[MailboxCase]:
    if request.param == "memory":
        clock = ManualClock(datetime.now(UTC))
        yield MailboxCase(MemoryMailbox(clock, limit=3), MovedTime(clock))
        return
    valkey = Valkey(redis_url, deadline_s=PATIENCE_S)
    mailbox = ValkeyMailbox(valkey, limit=3)
    yield MailboxCase(mailbox, ServerTime(valkey))
    await mailbox.aclose()
    await valkey.aclose()


async def granted(mailbox: Mailbox, model: ModelName = MODEL, host: HostId = HOST, lease_s: float = 60.0) -> Grant:
    grant = await mailbox.grant(model, host, (await mailbox.snapshot()).version, lease_s)
    assert grant is not None
    return grant


async def claimed(case: MailboxCase, count: int = 1, lease_s: float = PATIENCE_S) -> Sequence[Claim]:
    return (await case.mailbox.claim(await granted(case.mailbox), count, lease_s)).taken


async def names(case: MailboxCase, count: int = 9) -> list[str]:
    return [claim.request.id for claim in await claimed(case, count)]


async def test_a_request_is_claimed_as_it_was_submitted(case: MailboxCase) -> None:
    first = await case.mailbox.submit(a_request("a"))
    second = await case.mailbox.submit(a_request("b"))

    claims = await claimed(case, 5)

    assert (first, second) == (True, False)
    assert claims == (Claim(a_request("a"), 1, 1), Claim(a_request("b"), 1, 1))
    assert await case.mailbox.standing(RequestId("a")) is Standing.CLAIMED


async def test_one_who_floods_does_not_keep_another_waiting(case: MailboxCase) -> None:
    for name in ("f1", "f2"):
        await case.mailbox.submit(replace(a_request(name), caller="key:flood"))
    await case.mailbox.submit(replace(a_request("n"), caller="key:new"))

    assert await names(case) == ["f1", "n", "f2"]


async def test_questions_come_before_batches_which_still_get_their_share(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("batch"))
    for name in ("q1", "q2"):
        await case.mailbox.submit(replace(a_request(name), batch=False))

    assert await names(case) == ["q1", "batch", "q2"]


async def test_a_request_handed_back_is_next_again_whoever_else_waits(case: MailboxCase) -> None:
    await case.mailbox.submit(replace(a_request("mine"), caller="key:a"))
    await case.mailbox.submit(replace(a_request("yours"), caller="key:b"))
    (claim,) = await claimed(case)

    await case.mailbox.hand_back([claim])

    assert await names(case) == ["mine", "yours"]


async def test_mailboxes_of_two_models_do_not_mix(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))
    await case.mailbox.submit(a_request("b", OTHER))

    assert await names(case) == ["a"]


async def test_a_full_mailbox_refuses_and_another_does_not(case: MailboxCase) -> None:
    for name in "abc":
        await case.mailbox.submit(a_request(name))

    with pytest.raises(Overloaded, match="3 requests wait for small"):
        await case.mailbox.submit(a_request("d"))

    assert await case.mailbox.submit(a_request("e", OTHER))


async def test_submitting_the_same_request_again_queues_it_once(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))
    await case.mailbox.submit(a_request("a"))

    assert await names(case) == ["a"]


async def test_a_reader_is_woken_by_the_first_frames(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))
    claim = (await claimed(case))[0]
    reader = asyncio.create_task(case.mailbox.read(RequestId("a"), 0, PATIENCE_S))
    await asyncio.sleep(0)

    pushed = await case.mailbox.push(claim, [text(1), text(2, "")])

    assert pushed
    assert list(await reader) == [text(1), text(2, "")]


async def test_a_reader_with_nothing_to_read_returns_in_time(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))

    assert list(await case.mailbox.read(RequestId("a"), 0, 0.01)) == []
    assert list(await case.mailbox.read(RequestId("nobody"), 0, 0.0)) == []


async def test_reading_goes_on_where_it_stopped(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))
    claim = (await claimed(case))[0]
    await case.mailbox.push(claim, [text(1)])
    await case.mailbox.push(claim, [text(2), end(3)])

    frames = [frame for after in (0, 1, 2, 3) for frame in list(await case.mailbox.read(RequestId("a"), after, 0))[:1]]

    assert frames == [text(1), text(2), end(3)]
    assert await case.mailbox.standing(RequestId("a")) is Standing.DONE


async def test_frames_pushed_twice_are_there_once(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))
    claim = (await claimed(case))[0]

    await case.mailbox.push(claim, [text(1)])
    await case.mailbox.push(claim, [text(1), text(2)])

    assert list(await case.mailbox.read(RequestId("a"), 0, 0)) == [text(1), text(2)]


async def test_nothing_is_written_after_the_end(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))
    claim = (await claimed(case))[0]
    await case.mailbox.push(claim, [end(1)])

    assert not await case.mailbox.push(claim, [text(2)])
    assert list(await case.mailbox.read(RequestId("a"), 0, 0)) == [end(1)]


async def test_a_dead_hosts_request_goes_to_the_head_and_the_zombie_cannot_write(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))
    await case.mailbox.submit(a_request("b"))
    zombie = (await claimed(case, lease_s=LEASE_S))[0]
    await case.time.passes(2 * LEASE_S)

    standing = await case.mailbox.standing(RequestId("a"))
    again = await claimed(case, 2)

    assert standing is Standing.WAITING
    assert [(claim.request.id, claim.fence, claim.attempt) for claim in again] == [("a", 2, 2), ("b", 1, 1)]
    assert not await case.mailbox.push(zombie, [text(1)])
    renewal = await case.mailbox.renew(await granted(case.mailbox), [zombie, again[1]], PATIENCE_S)
    assert renewal == Renewal(frozenset({RequestId("a")}), stands=True)
    assert await case.mailbox.push(again[0], [text(1)])


async def test_requests_of_a_dead_host_keep_their_order(case: MailboxCase) -> None:
    for name in "abc":
        await case.mailbox.submit(a_request(name))
        await case.time.passes(0.002)
    await claimed(case, 2, lease_s=LEASE_S)
    await case.time.passes(2 * LEASE_S)

    assert await names(case) == ["a", "b", "c"]


async def test_a_request_that_was_partly_shown_is_lost_with_its_host(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))
    claim = (await claimed(case, lease_s=LEASE_S))[0]
    await case.mailbox.push(claim, [text(1)])
    await case.time.passes(2 * LEASE_S)

    standing = await case.mailbox.standing(RequestId("a"))
    frames = await case.mailbox.read(RequestId("a"), 1, 0)

    assert standing is Standing.LOST
    assert [(frame.seq, frame.kind) for frame in frames] == [(2, FrameKind.ERROR)]
    assert json.loads(frames[0].data)["code"] == "host_lost"
    assert json.loads(frames[0].data)["retryable"] is True


async def test_a_request_that_kills_three_hosts_is_not_tried_again(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("poison"))
    await case.mailbox.submit(a_request("good"))
    for _ in range(3):
        assert (await claimed(case, lease_s=LEASE_S))[0].request.id == "poison"
        await case.time.passes(2 * LEASE_S)

    assert await names(case) == ["good"]
    assert await case.mailbox.standing(RequestId("poison")) is Standing.LOST
    error = json.loads((await case.mailbox.read(RequestId("poison"), 0, 0))[0].data)
    assert (error["code"], error["retryable"]) == ("poison", False)


async def test_a_renewed_lease_does_not_run_out(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))
    claims = await claimed(case, lease_s=LEASE_S)
    renewal = await case.mailbox.renew(await granted(case.mailbox), claims, PATIENCE_S)
    await case.time.passes(2 * LEASE_S)

    assert renewal.stop == frozenset()
    assert await case.mailbox.standing(RequestId("a")) is Standing.CLAIMED


async def test_handing_back_keeps_order_and_costs_no_attempt(case: MailboxCase) -> None:
    for name in "abc":
        await case.mailbox.submit(a_request(name))
    claims = await claimed(case, 2)

    await case.mailbox.hand_back(claims)
    again = await claimed(case, 3)

    assert [(claim.request.id, claim.attempt) for claim in again] == [("a", 1), ("b", 1), ("c", 1)]
    assert not await case.mailbox.push(claims[0], [text(1)])


async def test_handing_back_leaves_what_was_partly_shown(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))
    claims = await claimed(case)
    await case.mailbox.push(claims[0], [text(1)])

    await case.mailbox.hand_back(claims)

    assert await case.mailbox.standing(RequestId("a")) is Standing.CLAIMED
    assert await case.mailbox.push(claims[0], [end(2)])


async def test_a_cancelled_request_is_never_claimed(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))

    await case.mailbox.cancel(RequestId("a"))
    await case.mailbox.cancel(RequestId("a"))
    await case.mailbox.cancel(RequestId("nobody"))

    assert await names(case) == []
    assert await case.mailbox.standing(RequestId("a")) is Standing.LOST
    assert await case.mailbox.submit(a_request("b"))


async def test_the_host_of_a_cancelled_request_is_told_to_stop(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))
    claims = await claimed(case)

    await case.mailbox.cancel(RequestId("a"))

    assert (await case.mailbox.renew(await granted(case.mailbox), claims, PATIENCE_S)).stop == {RequestId("a")}
    assert not await case.mailbox.push(claims[0], [text(1)])


async def test_cancelling_what_is_done_changes_nothing(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))
    await case.mailbox.push((await claimed(case))[0], [end(1)])

    await case.mailbox.cancel(RequestId("a"))

    assert await case.mailbox.standing(RequestId("a")) is Standing.DONE


async def test_a_request_past_its_time_is_not_served(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("late", total_s=0.05))
    await case.mailbox.submit(a_request("good"))
    await case.time.passes(0.1)

    assert [(backlog.model, backlog.waiting) for backlog in await case.mailbox.backlog()] == [(MODEL, 1)]
    assert await names(case) == ["good"]
    assert await case.mailbox.standing(RequestId("late")) is Standing.LOST


async def test_the_backlog_names_the_longest_waiting_first(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a", OTHER))
    await case.time.passes(0.02)
    await case.mailbox.submit(a_request("b"))
    await case.mailbox.submit(a_request("c"))

    backlog = await case.mailbox.backlog()

    assert [(entry.model, entry.waiting) for entry in backlog] == [(OTHER, 1), (MODEL, 2)]
    assert backlog[0].oldest_s >= 0.02


async def test_the_backlog_counts_requests_of_a_dead_host(case: MailboxCase) -> None:
    await case.mailbox.submit(a_request("a"))
    await claimed(case, lease_s=LEASE_S)
    before = list(await case.mailbox.backlog())
    await case.time.passes(2 * LEASE_S)

    assert before == []
    assert [entry.waiting for entry in await case.mailbox.backlog()] == [1]
