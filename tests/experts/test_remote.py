"""Remote experts at the wire: every fault of an upstream becomes a typed error, in time, by either transport."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import fields

import pytest
from pydantic import SecretStr

from core.calls import Call, Deadlines
from core.clock import SystemClock
from core.errors import ConclaveError, DeadlineExceeded, UpstreamError, UpstreamRateLimited, UpstreamRejected
from core.experts import Kind
from core.ids import ExpertName
from core.messages import Finish, Sampling, ToolCall
from experts.remote import RemoteTransport
from experts.remote.openai_transport import OpenAITransport
from experts.scripted_upstream import ScriptedUpstream, wire
from tests.experts.conftest import KEY
from tests.experts.room import PATIENT, Lines, all_of, call, gateway, remote, spec, still

ANSWER = "".join(wire.ANSWER)
QUICK = Deadlines(connect=1.0, first_token=0.4, idle=0.4, total=0.8)

GOOD = ["ok", "ok-40", "no-done", "no-usage", "json-for-stream", "crlf", "cut-utf8", "reasoning", "slow-1"]
FAULTS = [
    ("status-400", "upstream_bad_request", "upstream_bad_request"),
    ("status-401", "upstream_not_authorised", "upstream_not_authorised"),
    ("status-404", "upstream_not_found", "upstream_not_found"),
    ("status-429", "upstream_rate_limited", "upstream_rate_limited"),
    ("status-500", "upstream_error", "upstream_error"),
    ("status-503", "upstream_error", "upstream_error"),
    ("no-such-model", "upstream_not_found", "upstream_not_found"),
    ("context", "context_length_exceeded", "context_length_exceeded"),
    ("quota", "upstream_quota_exhausted", "upstream_quota_exhausted"),
    ("redirect", "upstream_rejected", "upstream_rejected"),
    ("hang-connect", "first_token_deadline", "total_deadline"),
    ("hang-first", "first_token_deadline", "total_deadline"),
    ("stall-3", "idle_deadline", "total_deadline"),
    ("close-first", "upstream_error", "upstream_error"),
    ("close-mid", "malformed_stream", "malformed_stream"),
    ("bad-json", "malformed_stream", "malformed_stream"),
    ("html-200", "malformed_stream", "malformed_stream"),
    ("error-mid", "upstream_error", "upstream_error"),
]
STREAM_FAULTS = [
    ("bad-utf8", "malformed_stream"),
    ("long-line", "malformed_stream"),
    ("no-end", "malformed_stream"),
    ("tools-cut", "malformed_stream"),
]


@pytest.mark.parametrize("model", GOOD)
async def test_a_good_answer_is_read_however_it_is_written(
    upstream: ScriptedUpstream, lean: OpenAITransport, model: str
) -> None:
    door = gateway({Kind.REMOTE: lean}, remote("it", model, upstream.url))

    text, last = await all_of(door.stream(call("it")))
    reply = await door.complete(call("it"))

    assert last.finish is reply.finish is Finish.STOP
    assert text.startswith("Grüße" if model == "cut-utf8" else ANSWER)
    assert reply.text.startswith(ANSWER)
    assert last.usage.output_tokens > 0


@pytest.mark.parametrize(("model", "streamed", "whole"), FAULTS)
async def test_a_fault_is_a_typed_error_streamed_and_whole(
    upstream: ScriptedUpstream, lean: OpenAITransport, model: str, streamed: str, whole: str
) -> None:
    experts = [remote("it", model, upstream.url), remote("too", model, f"{upstream.url}/")]
    door = gateway({Kind.REMOTE: lean}, *experts, deadlines=QUICK if "deadline" in streamed else PATIENT)

    with pytest.raises(ConclaveError) as in_stream:
        await all_of(door.stream(call("it")))
    with pytest.raises(ConclaveError) as in_whole:
        await door.complete(call("too"))

    assert (in_stream.value.error_code, in_whole.value.error_code) == (streamed, whole)


@pytest.mark.parametrize(("model", "code"), STREAM_FAULTS)
async def test_a_fault_that_only_a_stream_can_have_is_a_typed_error(
    upstream: ScriptedUpstream, lean: OpenAITransport, model: str, code: str
) -> None:
    door = gateway({Kind.REMOTE: lean}, remote("it", model, upstream.url))

    with pytest.raises(ConclaveError) as caught:
        await all_of(door.stream(call("it")))

    assert caught.value.error_code == code


async def test_nobody_listening_is_a_typed_error(lean: OpenAITransport) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        door = gateway({Kind.REMOTE: lean}, remote("it", "ok", f"http://127.0.0.1:{unused.getsockname()[1]}/v1"))

        with pytest.raises(UpstreamError, match="could not be reached"):
            await door.complete(call("it"))


async def test_a_connection_that_is_never_taken_is_given_up_by_the_connect_deadline(lean: OpenAITransport) -> None:
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for filler in (first, second):
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        expert = remote("it", "ok", f"http://127.0.0.1:{deaf.getsockname()[1]}/v1")
        door = gateway({Kind.REMOTE: lean}, expert, deadlines=Deadlines(connect=0.2))

        with pytest.raises(DeadlineExceeded) as caught:
            await door.complete(call("it"))

    assert caught.value.error_code == "connect_deadline"


async def test_a_reader_that_leaves_closes_the_connection_upstream(
    upstream: ScriptedUpstream, lean: OpenAITransport
) -> None:
    door = gateway({Kind.REMOTE: lean}, remote("it", "stall-2", upstream.url))
    pieces = door.stream(call("it"))
    await anext(pieces)

    await pieces.aclose()

    await upstream.hung_up_on("stall-2")


@pytest.mark.parametrize("model", ["hang-connect", "hang-first"])
async def test_a_reader_that_leaves_before_the_first_token_closes_the_connection_too(
    upstream: ScriptedUpstream, lean: OpenAITransport, model: str
) -> None:
    door = gateway({Kind.REMOTE: lean}, remote("it", model, upstream.url), deadlines=Deadlines())
    task = asyncio.create_task(all_of(door.stream(call("it"))))
    await upstream.called(model)

    task.cancel()

    await upstream.hung_up_on(model)
    await asyncio.wait([task])


async def test_connections_are_kept_and_used_again(upstream: ScriptedUpstream, lean: OpenAITransport) -> None:
    door = gateway({Kind.REMOTE: lean}, remote("it", "ok", upstream.url), remote("long", "ok-30", upstream.url))

    for _ in range(5):
        await door.complete(call("it"))
        await all_of(door.stream(call("it")))
        await all_of(door.stream(call("long")))

    assert upstream.connections == 1


async def test_a_request_says_what_was_settled_and_nothing_a_caller_could_smuggle(
    upstream: ScriptedUpstream, lean: OpenAITransport
) -> None:
    expert = remote("it", "ok", upstream.url, secret="openai", max_output=100, sampling=Sampling(temperature=0.2))
    door = gateway({Kind.REMOTE: lean}, expert)

    await door.complete(call("it", sampling=Sampling(max_tokens=5000, seed=3)))

    seen = upstream.seen[0]
    messages = [{"role": "user", "content": "What is it?"}]
    assert seen.body == {"model": "ok", "messages": messages, "max_tokens": 100, "temperature": 0.2, "seed": 3}
    assert seen.authorization == f"Bearer {KEY}"
    assert not {field.name for field in fields(Call)} & {"api_base", "api_key", "base_url", "extra_body", "headers"}


async def test_a_key_is_never_in_an_error(upstream: ScriptedUpstream, lean: OpenAITransport) -> None:
    door = gateway({Kind.REMOTE: lean}, remote("it", "status-401", upstream.url, secret="openai"))

    with pytest.raises(UpstreamRejected) as caught:
        await door.complete(call("it"))

    assert KEY not in str(caught.value)
    assert KEY not in repr(lean)


async def test_an_expert_without_its_key_is_not_healthy(lean: OpenAITransport) -> None:
    door = gateway({Kind.REMOTE: lean}, spec("it", Kind.REMOTE, "openai/gpt", secret="missing"))

    assert "no key configured" in (door.healthy(ExpertName("it")) or "")


async def test_the_wait_a_provider_asks_for_is_kept_by_everybody_on_the_same_key(
    upstream: ScriptedUpstream, lean: OpenAITransport
) -> None:
    clock = still()
    experts = [remote("it", "status-429-7", upstream.url), remote("other", "ok", upstream.url)]
    door = gateway({Kind.REMOTE: lean}, *experts, clock=clock)
    with pytest.raises(UpstreamRateLimited) as caught:
        await door.complete(call("it"))
    with pytest.raises(UpstreamRateLimited):
        await door.complete(call("other"))

    clock.advance(7.5)
    await door.complete(call("other"))

    assert caught.value.retry_after_s == 7.0
    assert dict(upstream.calls) == {"status-429-7": 1, "ok": 1}


async def test_an_idle_connection_closed_by_the_server_costs_no_request(
    upstream: ScriptedUpstream, lean: OpenAITransport
) -> None:
    usage = Lines()
    door = gateway({Kind.REMOTE: lean}, remote("it", "drop-1", upstream.url), usage=usage)

    reply = await door.complete(call("it"))

    assert (reply.text, upstream.calls["drop-1"]) == (ANSWER, 2)
    assert [line.outcome for line in usage.lines] == ["ok"]


async def test_tool_calls_come_through_streamed_and_whole(upstream: ScriptedUpstream, lean: OpenAITransport) -> None:
    door = gateway({Kind.REMOTE: lean}, remote("it", "tools", upstream.url), remote("two", "tools-zero", upstream.url))

    reply = await door.complete(call("it"))
    _, last = await all_of(door.stream(call("two")))

    assert reply.tool_calls == (ToolCall("call_1", "search", '{"query": "owls"}'),)
    assert reply.finish is last.finish is Finish.TOOL_CALLS


async def test_what_was_used_is_guessed_when_the_provider_does_not_say(
    upstream: ScriptedUpstream, lean: OpenAITransport
) -> None:
    paying = call("it")
    door = gateway({Kind.REMOTE: lean}, remote("it", "no-usage", upstream.url))

    await door.complete(paying)

    assert paying.purse.spent.tokens > 5


async def test_the_provider_decides_which_transport_is_used() -> None:
    transport = RemoteTransport({"k": SecretStr("x")}, SystemClock())

    assert transport.unfit(spec("it", Kind.REMOTE, "openai/gpt")) is None
    assert transport.unfit(spec("it", Kind.REMOTE, "anthropic/claude")) is None
    assert "needs an endpoint" in (
        transport.unfit(spec("it", Kind.REMOTE, "vlm/x", options={"transport": "lean"})) or ""
    )
    assert "allowed are" in (transport.unfit(spec("it", Kind.REMOTE, "x/y", options={"transport": "carrier"})) or "")
