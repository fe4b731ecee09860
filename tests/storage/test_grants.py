"""Turns, as every mailbox gives them: one host decides on what it saw, a turn stops where its policy says."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest

from core.hosting import Backlog, Grant, HostedRequest, Renewal, Standing, Terms
from core.ids import HostId, ModelName, RequestId
from core.ports import Mailbox
from tests.storage.harness import MailboxCase
from tests.storage.test_mailbox import HOST, LEASE_S, MODEL, OTHER, PATIENCE_S, a_request, case, granted, text
from tests.storage.test_mailbox_twins import twins

__all__ = ["case", "twins"]

SECOND = HostId("h2")
ALL = frozenset({MODEL, OTHER})


def request(name: str, model: ModelName = MODEL, work: int = 10) -> HostedRequest:
    return replace(a_request(name, model), work_tokens=work)


async def seen(case: MailboxCase) -> dict[ModelName, Backlog]:
    return {entry.model: entry for entry in (await case.mailbox.snapshot()).backlog}


async def names(case: MailboxCase, grant: Grant, terms: Terms, count: int = 9) -> tuple[list[str], bool]:
    claims = await case.mailbox.claim(grant, count, PATIENCE_S, terms)
    return [claim.request.id for claim in claims.taken], claims.over


async def test_a_decision_is_good_for_what_it_was_made_on(case: MailboxCase) -> None:
    await case.mailbox.submit(request("a"))
    version = (await case.mailbox.snapshot()).version

    first = await case.mailbox.grant(MODEL, HOST, version, PATIENCE_S)
    second = await case.mailbox.grant(MODEL, SECOND, version, PATIENCE_S)

    assert (first, second) == (Grant(MODEL, HOST, 1), None)
    assert (await seen(case))[MODEL].granted == (HOST,)


async def test_a_new_request_does_not_spoil_a_decision(case: MailboxCase) -> None:
    await case.mailbox.submit(request("a"))
    version = (await case.mailbox.snapshot()).version
    await case.mailbox.submit(request("b", OTHER))

    assert await case.mailbox.grant(MODEL, HOST, version, PATIENCE_S) is not None


async def test_two_hosts_may_serve_one_model_and_share_its_requests(case: MailboxCase) -> None:
    await case.mailbox.submit(request("a"))
    await case.mailbox.submit(request("b"))
    one, two = await granted(case.mailbox), await granted(case.mailbox, MODEL, SECOND)

    assert await names(case, one, Terms(), 1) == (["a"], False)
    assert (await seen(case))[MODEL].granted == (HOST, SECOND)
    assert await names(case, two, Terms(), 1) == (["b"], False)


async def test_a_turn_stops_at_its_quantum_while_another_model_waits(case: MailboxCase) -> None:
    for number in range(3):
        await case.mailbox.submit(request(f"r{number}"))
    await case.mailbox.submit(request("other", OTHER))
    grant = await granted(case.mailbox)

    assert await names(case, grant, Terms("turns", 25, ALL)) == (["r0", "r1"], True)


async def test_a_turn_goes_on_past_its_quantum_while_nobody_else_waits_for_this_host(case: MailboxCase) -> None:
    for number in range(3):
        await case.mailbox.submit(request(f"r{number}"))
    grant = await granted(case.mailbox)
    assert await names(case, grant, Terms("turns", 5, ALL), 1) == (["r0"], False)
    await case.mailbox.submit(request("other", OTHER))

    assert await names(case, grant, Terms("turns", 5, frozenset({MODEL})), 1) == (["r1"], False)
    await granted(case.mailbox, OTHER, SECOND)
    assert await names(case, grant, Terms("turns", 5, ALL), 1) == (["r2"], False)


async def test_a_turn_claims_one_request_however_long(case: MailboxCase) -> None:
    await case.mailbox.submit(request("long", work=1000))
    await case.mailbox.submit(request("other", OTHER))

    assert await names(case, await granted(case.mailbox), Terms("turns", 5, ALL)) == (["long"], False)


async def test_in_order_of_arrival_a_turn_stops_at_an_older_request(case: MailboxCase) -> None:
    for name, model in (("a", MODEL), ("b", OTHER), ("c", MODEL)):
        await case.mailbox.submit(request(name, model))
        await case.time.passes(0.002)
    grant = await granted(case.mailbox)

    assert await names(case, grant, Terms("fifo", None, ALL)) == (["a"], True)
    assert await names(case, grant, Terms("collate", None, ALL)) == (["c"], False)


async def test_the_turn_clock_is_the_arrival_in_an_empty_mailbox_or_the_end_of_the_last_turn(case: MailboxCase) -> None:
    await case.mailbox.submit(request("a"))
    await case.mailbox.submit(request("b"))
    grant = await granted(case.mailbox)
    await names(case, grant, Terms(), 1)
    await case.time.passes(0.05)
    before = (await seen(case))[MODEL]

    await case.mailbox.release(grant)

    after = (await seen(case))[MODEL]
    assert before.since_s >= 0.05 > after.since_s
    assert after.oldest_s >= 0.05
    assert (before.granted, after.granted) == ((HOST,), ())


async def test_the_backlog_counts_the_work_that_waits(case: MailboxCase) -> None:
    for name, work in (("a", 5), ("b", 7), ("c", 11)):
        await case.mailbox.submit(request(name, work=work))
    await names(case, await granted(case.mailbox), Terms(), 1)
    await case.mailbox.cancel(RequestId("c"))

    assert (await seen(case))[MODEL].work_tokens == 7


async def test_what_was_waited_for_too_long_is_no_work_any_more(case: MailboxCase) -> None:
    await case.mailbox.submit(replace(request("late", work=5), total_s=0.05))
    await case.mailbox.submit(request("good", work=7))
    await case.time.passes(0.1)

    assert (await seen(case))[MODEL].work_tokens == 7


async def test_a_host_that_stopped_renewing_has_lost_its_turn_and_claims_nothing(case: MailboxCase) -> None:
    await case.mailbox.submit(request("a"))
    await case.mailbox.submit(request("b"))
    stalled = await granted(case.mailbox, lease_s=LEASE_S)
    (claim,) = (await case.mailbox.claim(stalled, 1, LEASE_S)).taken
    await case.time.passes(2 * LEASE_S)
    other = await granted(case.mailbox, MODEL, SECOND)

    assert await names(case, stalled, Terms()) == ([], True)
    renewal = await case.mailbox.renew(stalled, [claim], PATIENCE_S)
    assert renewal == Renewal(frozenset({RequestId("a")}), stands=False)
    await case.mailbox.release(stalled)
    assert await names(case, other, Terms()) == (["a", "b"], False)
    assert not await case.mailbox.push(claim, [text(1)])


async def test_a_turn_that_is_renewed_stands_and_one_that_lapses_is_as_if_it_had_not_been(case: MailboxCase) -> None:
    await case.mailbox.submit(request("a"))
    grant = await granted(case.mailbox, lease_s=LEASE_S)
    assert (await case.mailbox.renew(grant, [], 4 * LEASE_S)).stands
    await case.time.passes(2 * LEASE_S)
    kept = (await seen(case))[MODEL]
    await case.time.passes(4 * LEASE_S)
    lapsed = (await seen(case))[MODEL]

    assert (kept.granted, lapsed.granted) == ((HOST,), ())
    assert lapsed.since_s >= 6 * LEASE_S


async def test_a_turn_that_ends_leaves_its_claims_to_be_answered(case: MailboxCase) -> None:
    await case.mailbox.submit(request("a"))
    grant = await granted(case.mailbox)
    (claim,) = (await case.mailbox.claim(grant, 1, PATIENCE_S)).taken

    await case.mailbox.release(grant)

    assert await case.mailbox.standing(RequestId("a")) is Standing.CLAIMED
    assert await case.mailbox.push(claim, [text(1)])


async def played(mailbox: Mailbox, seed: int) -> list[Sequence[object]]:
    """What a game of turns on three models answers, decided by the seed alone."""
    rng, answers, grants = random.Random(seed), list[Sequence[object]](), list[Grant]()
    models = [ModelName(name) for name in "xyz"]
    for move in range(80):
        action = rng.choice(["submit", "submit", "submit", "grant", "claim", "claim", "release", "cancel"])
        model = rng.choice(models)
        if action == "submit":
            made = replace(a_request(f"{seed}-{move}", model), caller=rng.choice("ab"), batch=rng.random() < 0.3)
            await mailbox.submit(replace(made, work_tokens=rng.randrange(1, 30)))
        elif action == "grant":
            grants.append(await granted(mailbox, model, rng.choice([HOST, SECOND])))
        elif action == "claim" and grants:
            terms = Terms(rng.choice(["turns", "collate", "fifo"]), rng.randrange(5, 60), frozenset(models[:2]))
            claims = await mailbox.claim(rng.choice(grants), rng.randrange(1, 4), PATIENCE_S, terms)
            answers.append(([claim.request.id for claim in claims.taken], claims.over))
        elif action == "release" and grants:
            await mailbox.release(rng.choice(grants))
        else:
            await mailbox.cancel(RequestId(f"{seed}-{rng.randrange(move + 1)}"))
        backlog = sorted((await mailbox.snapshot()).backlog, key=lambda entry: entry.model)
        answers.append([(e.model, e.waiting, e.work_tokens, e.granted) for e in backlog])
    return answers


@pytest.mark.parametrize("seed", range(12))
async def test_twins_give_the_same_turns(twins: tuple[Mailbox, Mailbox], seed: int) -> None:
    memory, valkey = twins

    assert await played(memory, seed) == await played(valkey, seed)
