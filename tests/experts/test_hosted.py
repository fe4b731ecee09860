"""Hosted experts: a mailbox between a caller and a host that may be slow, away, or dead."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from core.calls import Deadlines
from core.clock import SystemClock
from core.errors import (
    ContextTooLong,
    HostLost,
    MalformedStream,
    MissingArtefact,
    NotFound,
    Overloaded,
    UpstreamRejected,
)
from core.experts import Engine, Kind, ModelSpec
from core.hosting import Claim, Frame, FrameKind, HostedRequest, HostState, Order, Phase, Residence
from core.ids import ExpertName, HostId, ModelName, UlidSource
from core.messages import Finish, Sampling
from experts.circuit import THRESHOLD
from experts.hosted import HostedTransport, best_host
from storage.memory.mailbox import MemoryMailbox
from tests.experts.room import Lines, all_of, call, gateway, spec
from tests.storage.test_mailbox import granted

MODEL = ModelName("tiny")
HOST = HostId("host-1")
END = {"finish": "stop", "input_tokens": 9, "output_tokens": 2, "cached_tokens": 4}


def state(name: str = "host-1", **fields: Any) -> HostState:
    return HostState(id=HostId(name), queue=f"host.{name}", memory_budget=1, memory_used=0, **fields)


class Bench:
    """A mailbox, a directory of hosts and a doorbell that remembers who was rung, with a transport over them."""

    def __init__(self, *hosts: HostState) -> None:
        clock = SystemClock()
        self.alive = list(hosts)
        self.rung: asyncio.Queue[HostState] = asyncio.Queue()
        self.mailbox = MemoryMailbox(clock)
        model = ModelSpec(MODEL, Engine.LLAMA, (), "0" * 64, context=2048)
        self.transport = HostedTransport(self.mailbox, self, self, clock, UlidSource(clock), {MODEL: model})
        self.usage = Lines()
        self.door = gateway(
            {Kind.HOSTED: self.transport},
            spec("it", Kind.HOSTED, MODEL, system="Be brief."),
            usage=self.usage,
            deadlines=Deadlines(),
        )

    async def hosts(self) -> Sequence[HostState]:
        return self.alive

    async def beat(self, state: HostState, ttl_s: float) -> Sequence[Order]:
        self.alive.append(state)
        return ()

    async def order(self, host: HostId, order: Order) -> None:
        raise NotFound(host)

    async def leave(self, host: HostId) -> None:
        self.alive = [state for state in self.alive if state.id != host]

    async def ring(self, host: HostState) -> None:
        self.rung.put_nowait(host)

    async def claim(self, lease_s: float = 5.0) -> Claim:
        """Wait for the bell, then take one request, as a host does."""
        await asyncio.wait_for(self.rung.get(), 5.0)
        return await self.take(lease_s)

    async def take(self, lease_s: float) -> Claim:
        """Take a turn and one request."""
        (claim,) = (await self.mailbox.claim(await granted(self.mailbox, MODEL, HOST), 1, lease_s)).taken
        return claim

    async def say(self, claim: Claim, *frames: tuple[FrameKind, Any]) -> bool:
        """Push frames, numbered from 1."""
        data = [
            Frame(seq, kind, said if isinstance(said, str) else json.dumps(said))
            for seq, (kind, said) in enumerate(frames, 1)
        ]
        return await self.mailbox.push(claim, data)


async def answered(bench: Bench, *frames: tuple[FrameKind, Any]) -> Any:
    """Ask, serve the request with these frames, and return the reply."""
    asking = asyncio.create_task(bench.door.complete(call("it")))
    await bench.say(await bench.claim(), *frames)
    return await asking


async def refusal(bench: Bench, failure: dict[str, Any]) -> MissingArtefact:
    """Ask, let the host fail so, and return the error that says that the model is not there."""
    with pytest.raises(MissingArtefact) as caught:
        await answered(bench, (FrameKind.ERROR, failure))
    return caught.value


async def test_a_request_is_settled_before_it_is_posted_and_answered_by_frames() -> None:
    bench = Bench(state())
    asking = asyncio.create_task(all_of(bench.door.stream(call("it", sampling=Sampling(max_tokens=20)))))

    claim = await bench.claim()
    await bench.say(claim, (FrameKind.TEXT, "Hel"), (FrameKind.TEXT, "lo"), (FrameKind.END, END))
    text, last = await asking

    body, request = json.loads(claim.request.body), claim.request
    assert (text, last.finish, last.usage.cached_tokens) == ("Hello", Finish.STOP, 4)
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (body["max_tokens"], request.caller, request.model) == (20, "key", MODEL)
    assert 20 < request.work_tokens <= 2048 + 20


async def test_a_tool_call_comes_through() -> None:
    part = {"index": 0, "id": "c1", "name": "search", "arguments": "{}"}

    reply = await answered(Bench(state()), (FrameKind.TOOL, part), (FrameKind.END, {**END, "finish": "tool_calls"}))

    assert (reply.finish, reply.tool_calls[0].name) == (Finish.TOOL_CALLS, "search")


async def test_an_error_frame_becomes_the_error_it_names() -> None:
    failure = {"code": "context_length_exceeded", "message": "2100 tokens do not fit 2048", "retryable": False}

    with pytest.raises(ContextTooLong, match="2100"):
        await answered(Bench(state()), (FrameKind.ERROR, failure))


async def test_a_request_that_kills_its_hosts_is_refused_and_not_to_be_asked_again() -> None:
    bench = Bench(state())
    asking = asyncio.create_task(bench.door.complete(call("it")))
    await bench.claim(lease_s=0.0)
    for _ in range(2):
        await bench.take(lease_s=0.0)

    with pytest.raises(UpstreamRejected, match="not tried again") as caught:
        await asyncio.wait_for(asking, 5.0)

    assert (caught.value.error_code, caught.value.retryable) == ("poison", False)


async def test_an_expert_whose_model_is_broken_says_so_and_is_soon_left_alone() -> None:
    bench = Bench(state())
    failure = {"code": "configuration_error", "message": "its file is damaged", "retryable": False}

    errors = [await refusal(bench, failure) for _ in range(THRESHOLD)]

    assert {(error.http_status, error.error_code, error.message) for error in errors} == {
        (503, "broken_model", "its file is damaged")
    }
    assert "broken_model" in (bench.door.healthy(ExpertName("it")) or "")


async def test_an_error_nobody_knows_is_retryable_if_the_host_says_so() -> None:
    with pytest.raises(Overloaded):
        await answered(Bench(state()), (FrameKind.ERROR, {"code": "odd", "message": "odd", "retryable": True}))


@pytest.mark.parametrize("data", ["{", "[]", '{"finish": "stop"}', '{"finish": "no", "input_tokens": 1}'])
async def test_a_frame_that_makes_no_sense_is_a_typed_error(data: str) -> None:
    with pytest.raises(MalformedStream):
        await answered(Bench(state()), (FrameKind.END, data))


async def test_a_reader_that_leaves_takes_its_request_back() -> None:
    bench = Bench(state())
    asking = asyncio.create_task(bench.door.complete(call("it")))
    claim = await bench.claim()

    asking.cancel()
    await asyncio.wait([asking])

    renewal = await bench.mailbox.renew(await granted(bench.mailbox, MODEL, HOST), [claim], 5.0)
    assert renewal.stop == {claim.request.id}


async def test_a_host_that_dies_with_a_part_shown_is_a_typed_error_within_seconds() -> None:
    bench = Bench(state())
    pieces = bench.door.stream(call("it"))
    first = asyncio.ensure_future(anext(pieces))
    await bench.say(await bench.claim(lease_s=0.05), (FrameKind.TEXT, "Hel"))
    await first

    with pytest.raises(HostLost) as caught:
        await asyncio.wait_for(anext(pieces), 5.0)

    assert caught.value.retryable
    assert bench.usage.lines[0].outcome == "host_lost"


async def test_a_bell_that_was_not_heard_is_rung_again() -> None:
    bench = Bench(state())
    asking = asyncio.create_task(bench.door.complete(call("it")))

    await asyncio.wait_for(bench.rung.get(), 5.0)
    claim = await bench.claim()
    await bench.say(claim, (FrameKind.END, END))

    assert (await asking).finish is Finish.STOP


async def test_a_second_request_in_the_mailbox_does_not_ring_at_once() -> None:
    bench = Bench(state())
    first, second = (asyncio.create_task(bench.door.complete(call("it"))) for _ in range(2))
    await bench.claim()

    assert bench.rung.empty()
    first.cancel()
    second.cancel()
    await asyncio.wait([first, second])


async def test_a_host_that_comes_back_in_time_is_rung() -> None:
    bench = Bench()
    asking = asyncio.create_task(bench.door.complete(call("it")))
    await asyncio.sleep(0)

    await bench.beat(state(), 5.0)
    await bench.say(await bench.claim(), (FrameKind.TEXT, "back"), (FrameKind.END, END))

    assert (await asking).text == "back"


async def test_a_full_mailbox_refuses_at_once() -> None:
    bench = Bench(state())
    bench.mailbox._limit = 0

    with pytest.raises(Overloaded):
        await bench.door.complete(call("it"))


def test_the_host_that_holds_the_model_is_rung_then_the_least_busy_and_never_one_that_cannot() -> None:
    holding = state("a", resident=(MODEL,), slots_busy=4)
    busy, idle = state("b", slots_busy=3), state("c", slots_busy=1)
    draining, unable = state("d", draining=True, resident=(MODEL,)), state("e", models=frozenset({ModelName("x")}))

    assert best_host([busy, idle, draining, unable, holding], MODEL) is holding
    assert best_host([busy, idle, draining, unable], MODEL) is idle
    assert best_host([draining, unable], MODEL) is None


def test_a_host_that_failed_to_load_a_model_is_rung_when_no_other_can_serve_it() -> None:
    # One that may serve nothing for now names no models, as one that may serve all does.
    failed = state("a", residences=(Residence(MODEL, Phase.FAILED),))
    busy = state("b", serving=ModelName("x"))

    assert best_host([failed, busy], MODEL) is busy
    assert best_host([failed], MODEL) is failed


def test_requests_name_a_caller_even_without_a_key() -> None:
    assert HostedRequest.__dataclass_fields__["caller"].type == "str"
