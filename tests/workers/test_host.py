"""A host on real models and real stores: serves, batches, cancels, swaps, refuses, forgets, drains."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.clock import Clock, SystemClock
from core.errors import Unavailable
from core.experts import Engine, ModelSpec, Source
from core.hosting import EVERYTHING, Claims, FrameKind, Grant, HostState, Order, OrderKind, Standing, Terms
from core.ids import ModelName
from core.ports import Mailbox
from storage.memory.mailbox import MemoryMailbox
from storage.valkey.hosts import ValkeyHostDirectory
from tests.workers.conftest import OpenHost
from tests.workers.desk import Desk, ending_of, text_of
from tests.workers.models import MIB, smollm
from tests.workers.waiting import until
from workers.hosting.host import Host
from workers.hosting.process import ProcessModel

LONG = "Count from one to ten thousand."
ENDLESS: dict[str, Any] = {"max_tokens": 900, "ignore_eos": True}


class Blinking(MemoryMailbox):
    """A mailbox from which nothing can be claimed while it is away."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.away = False
        self.missed = asyncio.Event()

    async def claim(self, grant: Grant, count: int, lease_s: float, terms: Terms = EVERYTHING) -> Claims:
        if self.away:
            self.missed.set()
            raise Unavailable("the mailbox is away")
        return await super().claim(grant, count, lease_s, terms)


async def said_by(host: Host, condition: Callable[[HostState], bool], within_s: float = 20.0) -> HostState:
    """Wait until what a host says of itself meets a condition."""

    async def look() -> HostState | None:
        state = await host.state()
        return state if condition(state) else None

    state = await until(look, within_s)
    assert state is not None
    return state


async def test_a_request_is_streamed_through_either_mailbox(
    open_host: OpenHost, mailbox: Mailbox, memory_mailbox: Mailbox
) -> None:
    for box in (memory_mailbox, mailbox):
        host = await open_host(smollm(), on=box)

        frames = await Desk(box, [host]).ask("smollm2", "What is the capital of France?")

        assert [frame.seq for frame in frames] == list(range(1, len(frames) + 1))
        assert len(frames) > 5
        ending = ending_of(frames)
        assert 0 <= ending.pop("waited_s") < 10
        assert ending == {
            "kind": "end", "finish": "length", "input_tokens": 37, "output_tokens": 24, "cached_tokens": 0
        }  # fmt: skip


async def test_waiting_requests_share_the_slots(open_host: OpenHost, desk: Desk) -> None:
    requests = [await desk.submit("smollm2", f"Tell me about the number {number}.") for number in range(5)]

    host = await open_host(smollm(slots=2))
    most = 0
    async for _ in desk.frames(requests[-1]):
        most = max(most, (await host.state()).slots_busy)
    endings = [ending_of(await desk.result(request)) for request in requests]

    assert {ending["kind"] for ending in endings} == {"end"}
    assert 1 <= most <= 2


async def test_an_answer_by_schema_is_json(open_host: OpenHost, desk: Desk) -> None:
    await open_host(smollm())
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}

    frames = await desk.ask("smollm2", "Pick a number.", response_format=wanted, max_tokens=40)

    assert isinstance(json.loads(text_of(frames))["n"], int)


async def test_a_caller_who_leaves_frees_the_slot_within_a_second(open_host: OpenHost, desk: Desk) -> None:
    host = await open_host(smollm(slots=1))
    leaving = await desk.submit("smollm2", LONG, **ENDLESS)
    await desk.begun(leaving)

    await desk.mailbox.cancel(leaving)
    await said_by(host, lambda state: state.slots_busy == 0, within_s=1.5)

    assert ending_of(await desk.ask("smollm2", "Hello"))["kind"] == "end"


async def test_a_request_past_its_time_ends_typed(open_host: OpenHost, desk: Desk) -> None:
    await open_host(smollm())
    await desk.ask("smollm2", "Hello")

    frames = await desk.ask("smollm2", LONG, total_s=0.6, **ENDLESS)

    assert ending_of(frames)["code"] in ("deadline_exceeded", "host_lost")


async def test_a_prompt_too_long_is_refused_and_the_next_is_served(open_host: OpenHost, desk: Desk) -> None:
    await open_host(smollm())

    refused = ending_of(await desk.ask("smollm2", "word " * 2000))

    assert (refused["code"], refused["retryable"]) == ("context_length_exceeded", False)
    assert ending_of(await desk.ask("smollm2", "Hello"))["kind"] == "end"


async def test_two_models_that_do_not_fit_together_are_served_in_turn(open_host: OpenHost, desk: Desk) -> None:
    host = await open_host(smollm("one"), smollm("two"), memory=400 * MIB)
    requests = [await desk.submit(name, "Hello") for name in ("one", "two", "one", "two")]

    endings = [ending_of(await desk.result(request))["kind"] for request in requests]

    assert endings == ["end"] * 4
    assert len((await host.state()).resident) == 1


async def test_a_model_that_waits_gets_its_turn_under_a_steady_stream(open_host: OpenHost, desk: Desk) -> None:
    await open_host(smollm("busy", slots=1), smollm("rare"), memory=400 * MIB, turn=0.1)
    busy = [await desk.submit("busy", LONG, max_tokens=100, ignore_eos=True) for _ in range(12)]
    await desk.begun(busy[0])

    rare = await desk.ask("rare", "Hello")

    assert ending_of(rare)["kind"] == "end"
    assert await desk.mailbox.standing(busy[-1]) is Standing.WAITING


async def test_a_model_that_can_never_fit_is_refused(open_host: OpenHost, desk: Desk) -> None:
    await open_host(smollm(), memory=100 * MIB)

    refused = ending_of(await desk.ask("smollm2", "Hello"))

    assert (refused["code"], refused["retryable"]) == ("overloaded", True)
    assert "hosting.memory" in refused["message"]


async def test_what_one_host_cannot_load_is_left_to_another(open_host: OpenHost, mailbox: Mailbox) -> None:
    small = await open_host(smollm(), memory=100 * MIB, name="small")
    await open_host(smollm(), name="large")
    await small._beat()
    await said_by(small, lambda _: any("smollm2" in other.models for other in small._others))
    request = await Desk(mailbox).submit("smollm2", "Hello")

    await small.take_turns()

    assert ending_of(await Desk(mailbox).result(request))["kind"] == "end"


async def test_an_order_to_load_does_not_bring_back_what_a_draining_host_gave_up(open_host: OpenHost) -> None:
    host = await open_host(smollm())

    await host._obey(Order(OrderKind.DRAIN))
    await host._obey(Order(OrderKind.PIN, ModelName("smollm2")))

    assert (await host.state()).residences == ()


async def test_a_pin_takes_back_an_order_to_unload_what_is_in_use(open_host: OpenHost, desk: Desk) -> None:
    host = await open_host(smollm())
    request = await desk.submit("smollm2", LONG, max_tokens=40, ignore_eos=True)
    await desk.begun(request)

    for kind in (OrderKind.UNLOAD, OrderKind.PIN):
        await host._obey(Order(kind, ModelName("smollm2")))
    await desk.result(request)
    state = await said_by(host, lambda state: state.serving is None)

    assert [(held.model, held.pinned) for held in state.residences] == [("smollm2", True)]


async def test_a_truncated_model_fails_typed_and_the_host_goes_on(
    open_host: OpenHost, desk: Desk, tmp_path: Path
) -> None:
    content = b"GGUF" + bytes(range(40))
    cut = tmp_path / "cut.gguf"
    await asyncio.to_thread(cut.write_bytes, content)
    source = Source("path", str(cut))
    broken = ModelSpec(ModelName("broken"), Engine.LLAMA, (source,), hashlib.sha256(content).hexdigest())
    await open_host(broken, smollm())

    refused = ending_of(await desk.ask("broken", "Hello"))

    assert refused["code"] == "configuration_error"
    assert "GGUF" in refused["message"]
    assert ending_of(await desk.ask("smollm2", "Hello"))["kind"] == "end"


async def test_missing_weights_say_what_to_install(open_host: OpenHost, desk: Desk) -> None:
    source = Source("package", "no-such-weights-part{1..3}")
    await open_host(ModelSpec(ModelName("gone"), Engine.LLAMA, (source,), "00"))

    refused = ending_of(await desk.ask("gone", "Hello"))

    assert refused["code"] == "missing_artefact"
    assert "no-such-weights-part1" in refused["message"]
    assert "requirements/models.lock" in refused["message"]


async def test_keep_alive_unloads_and_gives_memory_back(open_host: OpenHost, desk: Desk) -> None:
    host = await open_host(smollm(), keep_alive_s=0.3)
    await desk.ask("smollm2", "Hello")
    loaded = await host.state()

    unloaded = await said_by(host, lambda state: not state.resident)

    assert loaded.memory_used - unloaded.memory_used > 100 * MIB


async def test_an_idle_model_is_unloaded_while_another_is_served(open_host: OpenHost, desk: Desk) -> None:
    host = await open_host(smollm("idle"), smollm("busy"), keep_alive_s=0.3)
    await desk.ask("idle", "Hello")
    served = await desk.submit("busy", LONG, **ENDLESS)
    await desk.begun(served)

    await said_by(host, lambda state: state.serving == "busy" and state.resident == ("busy",))

    assert await desk.mailbox.standing(served) is Standing.CLAIMED


async def test_a_mailbox_that_is_away_for_a_moment_costs_no_answer(open_host: OpenHost) -> None:
    mailbox = Blinking(SystemClock())
    desk = Desk(mailbox, [await open_host(smollm(slots=2), on=mailbox)])
    request = await desk.submit("smollm2", LONG, max_tokens=200, ignore_eos=True)
    await desk.begun(request)

    mailbox.away = True
    await asyncio.wait_for(mailbox.missed.wait(), 10.0)
    mailbox.away = False

    assert ending_of(await desk.result(request))["kind"] == "end"
    assert ending_of(await desk.ask("smollm2", "Hello"))["kind"] == "end"


async def test_the_directory_knows_what_a_host_holds(
    open_host: OpenHost, desk: Desk, directory: ValkeyHostDirectory
) -> None:
    host = await open_host(smollm())
    await desk.ask("smollm2", "Hello")
    await host._beat()

    (state,) = await directory.hosts()

    assert (state.id, state.queue, state.resident) == ("h1", "host.h1", ("smollm2",))
    assert state.models == {"smollm2"}
    assert state.memory_used > 100 * MIB


async def test_a_lost_doorbell_is_made_good(open_host: OpenHost, mailbox: Mailbox) -> None:
    await open_host(smollm())
    silent = Desk(mailbox)

    assert ending_of(await silent.ask("smollm2", "Hello"))["kind"] == "end"


async def test_a_draining_host_hands_back_what_nobody_saw_and_leaves(
    open_host: OpenHost, desk: Desk, directory: ValkeyHostDirectory
) -> None:
    host = await open_host(smollm(slots=1))
    shown = await desk.submit("smollm2", LONG, **ENDLESS)
    await desk.begun(shown)
    waiting = await desk.submit("smollm2", "Hello")

    await host.drain()

    assert ending_of(await desk.result(shown))["code"] == "host_lost"
    assert await desk.mailbox.standing(waiting) is Standing.WAITING
    assert list(await directory.hosts()) == []


async def test_what_is_almost_done_ends_within_the_grace(open_host: OpenHost, desk: Desk) -> None:
    host = await open_host(smollm(), grace_s=20.0)
    request = await desk.submit("smollm2", LONG, max_tokens=40, ignore_eos=True)
    await desk.begun(request)

    await host.drain()

    assert ending_of(await desk.result(request))["kind"] == FrameKind.END


async def test_an_engine_that_dies_fails_its_requests_and_is_loaded_again(open_host: OpenHost, desk: Desk) -> None:
    host = await open_host(smollm())
    request = await desk.submit("smollm2", LONG, **ENDLESS)
    await desk.begun(request)

    os.kill(engine_of(host), signal.SIGKILL)

    assert ending_of(await desk.result(request))["code"] == "host_lost"
    assert ending_of(await desk.ask("smollm2", "Hello"))["kind"] == "end"


def engine_of(host: Host) -> int:
    """The process id of the only model in memory."""
    (held,) = host._residency._held.values()
    assert isinstance(held.model, ProcessModel)
    return held.model.pid
