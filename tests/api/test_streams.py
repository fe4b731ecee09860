"""Streams: prompt cancellation, heartbeats, and typed trouble."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest
from starlette.types import Message, Scope

from api.streams import EventStream
from core.errors import HostLost
from tests.api.conftest import DEADLINE_S, Running
from tests.api.corpus import LIVE
from tests.api.sockets import chat_bytes, connected

SCOPE: Scope = {"type": "http"}


@pytest.mark.parametrize("behind", [b"", LIVE, LIVE + b"nonsense\r\n\r\n"], ids=["alone", "pipelined", "malformed"])
@pytest.mark.parametrize("stream", [True, False])
def test_a_caller_who_leaves_has_the_work_cancelled(api: Running, stream: bool, behind: bytes) -> None:
    api.convener.waiting.clear()
    api.convener.left.clear()
    body: dict[str, object] = {"model": "expert/patient", "messages": [{"role": "user", "content": "x"}]}
    with connected(api) as connection:
        connection.sendall(chat_bytes(api, "runner", {**body, "stream": stream}))
        assert api.convener.waiting.wait(DEADLINE_S)
        connection.sendall(behind)

    assert api.convener.left.wait(1.0)


class Caller:
    """The other end of an ASGI connection."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.sent: list[Message] = []
        self.told = asyncio.Event()

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        self.told.set()

    @property
    def text(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


async def test_silence_is_filled_with_heartbeats() -> None:
    caller, enough = Caller(), asyncio.Event()

    async def events() -> AsyncGenerator[bytes, None]:
        await enough.wait()
        yield b"data: 1\n\n"

    streaming = asyncio.create_task(EventStream(events(), heartbeat_s=0.02)(SCOPE, caller.receive, caller.send))
    await asyncio.wait_for(caller.told.wait(), DEADLINE_S)
    enough.set()
    await asyncio.wait_for(streaming, DEADLINE_S)

    assert caller.sent[0]["status"] == 200
    assert caller.text.startswith(b": ping\n\n")
    assert caller.text.endswith(b"data: 1\n\n")


async def test_headers_may_grow_until_the_first_event() -> None:
    caller, headers = Caller(), [(b"x-a", b"1")]

    async def events() -> AsyncGenerator[bytes, None]:
        headers.append((b"x-b", b"2"))
        yield b"data: 1\n\n"

    await EventStream(events(), headers)(SCOPE, caller.receive, caller.send)

    assert {(b"x-a", b"1"), (b"x-b", b"2")} <= set(caller.sent[0]["headers"])


async def test_trouble_midway_is_an_error_event_and_the_end() -> None:
    caller = Caller()

    async def events() -> AsyncGenerator[bytes, None]:
        yield b"data: 1\n\n"
        raise HostLost("the host died")

    await EventStream(events())(SCOPE, caller.receive, caller.send)

    error = json.loads(caller.text.split(b"data: ")[-1])["error"]
    assert (error["code"], error["type"]) == ("host_lost", "overloaded_error")
    assert caller.sent[-1]["more_body"] is False


async def test_trouble_before_the_first_event_is_raised_for_its_own_status() -> None:
    caller = Caller()

    async def events() -> AsyncGenerator[bytes, None]:
        if not caller.sent:
            raise HostLost("the host died")
        yield b""

    with pytest.raises(HostLost):
        await EventStream(events())(SCOPE, caller.receive, caller.send)

    assert caller.sent == []


async def test_the_end_of_the_process_is_told_to_those_still_listening() -> None:
    caller = Caller()

    async def events() -> AsyncGenerator[bytes, None]:
        yield b"data: 1\n\n"
        await asyncio.Event().wait()

    streaming = asyncio.create_task(EventStream(events())(SCOPE, caller.receive, caller.send))
    await asyncio.wait_for(caller.told.wait(), DEADLINE_S)
    await asyncio.sleep(0)
    streaming.cancel()
    await streaming

    assert b'"code":"stopping"' in caller.text


async def test_a_caller_who_stops_reading_is_given_up() -> None:
    caller, cleaned = Caller(), asyncio.Event()

    async def stuck(message: Message) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def events() -> AsyncGenerator[bytes, None]:
        try:
            yield b"data: 1\n\n"
        finally:
            cleaned.set()

    stream = EventStream(events(), heartbeat_s=0.02, stalled_s=0.03)
    with pytest.raises(asyncio.CancelledError):
        await stream(SCOPE, caller.receive, stuck)

    assert cleaned.is_set()
