"""LiteLLM as transport, against a real server: it brings words, deadlines and typed errors, and nothing of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr

from core.calls import Deadlines
from core.clock import SystemClock
from core.errors import ConclaveError
from core.experts import ExpertSpec, Kind
from core.messages import Finish, Sampling, ToolCall
from experts.remote import RemoteTransport
from experts.scripted_upstream import ScriptedUpstream
from tests.experts.conftest import KEY
from tests.experts.room import PATIENT, Lines, all_of, call, gateway, remote

# LiteLLM reads fields in a way that pydantic means to end; nothing we can mend.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince211")

HURRIED = Deadlines(connect=10.0, first_token=0.5, idle=0.5, total=10.0)


@pytest.fixture
async def litellm_too(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RemoteTransport]:
    """The remote transport, closed at the end."""
    # Where it is set, LiteLLM looks whether the file is there as it makes a client: one look, but a blocking one.
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    transport = RemoteTransport({"k": SecretStr(KEY)}, SystemClock())
    yield transport
    await transport.aclose()


def through_litellm(name: str, model: str, url: str) -> ExpertSpec:
    return remote(name, model, url, secret="k", options={"transport": "litellm"})


async def warm(transport: RemoteTransport, upstream: ScriptedUpstream) -> None:
    """Have LiteLLM imported, so that short deadlines measure the upstream."""
    expert = through_litellm("warm", "ok", upstream.url)
    await gateway({Kind.REMOTE: transport}, expert).complete(call("warm"))


async def test_an_answer_comes_through_with_usage_and_the_settled_request(
    upstream: ScriptedUpstream, litellm_too: RemoteTransport
) -> None:
    usage = Lines()
    door = gateway({Kind.REMOTE: litellm_too}, through_litellm("it", "ok", upstream.url), usage=usage)

    text, last = await all_of(door.stream(call("it", sampling=Sampling(max_tokens=9))))

    assert (text, last.usage.output_tokens, usage.lines[0].outcome) == ("The answer is 42.", 5, "ok")
    assert upstream.seen[0].body["max_tokens"] == 9
    assert upstream.seen[0].authorization == f"Bearer {KEY}"


async def test_tool_calls_come_through(upstream: ScriptedUpstream, litellm_too: RemoteTransport) -> None:
    door = gateway({Kind.REMOTE: litellm_too}, through_litellm("it", "tools", upstream.url))

    reply = await door.complete(call("it"))

    assert reply.finish is Finish.TOOL_CALLS
    assert reply.tool_calls == (ToolCall("call_1", "search", '{"query": "owls"}'),)


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("status-400", "upstream_bad_request"),
        ("status-401", "upstream_not_authorised"),
        ("status-404", "upstream_not_found"),
        ("status-429-7", "upstream_rate_limited"),
        ("status-500", "upstream_error"),
        ("context", "context_length_exceeded"),
        ("hang-connect", "first_token_deadline"),
        ("hang-first", "first_token_deadline"),
        ("stall-3", "idle_deadline"),
        ("close-first", "upstream_error"),
        ("close-mid", "malformed_stream"),
        ("bad-json", "malformed_stream"),
        ("html-200", "malformed_stream"),
    ],
)
async def test_a_fault_is_a_typed_error_after_one_call(
    upstream: ScriptedUpstream, litellm_too: RemoteTransport, model: str, code: str
) -> None:
    await warm(litellm_too, upstream)
    deadlines = HURRIED if "deadline" in code else PATIENT
    door = gateway({Kind.REMOTE: litellm_too}, through_litellm("it", model, upstream.url), deadlines=deadlines)

    with pytest.raises(ConclaveError) as caught:
        await all_of(door.stream(call("it")))

    assert caught.value.error_code == code
    assert KEY not in str(caught.value)
    assert upstream.calls[model] == 1


async def test_the_wait_a_provider_asks_for_survives(upstream: ScriptedUpstream, litellm_too: RemoteTransport) -> None:
    door = gateway({Kind.REMOTE: litellm_too}, through_litellm("it", "status-429-7", upstream.url))

    with pytest.raises(ConclaveError) as caught:
        await door.complete(call("it"))

    assert caught.value.retry_after_s == 7.0


async def test_a_reader_that_leaves_closes_the_connection_upstream(
    upstream: ScriptedUpstream, litellm_too: RemoteTransport
) -> None:
    door = gateway({Kind.REMOTE: litellm_too}, through_litellm("it", "stall-2", upstream.url))
    pieces = door.stream(call("it"))
    await anext(pieces)

    await pieces.aclose()

    await upstream.hung_up_on("stall-2")


async def test_an_unknown_provider_is_a_mistake_of_configuration(litellm_too: RemoteTransport) -> None:
    expert = ExpertSpec(call("it").expert, Kind.REMOTE, "nobody-knows/x")
    door = gateway({Kind.REMOTE: litellm_too}, expert)

    with pytest.raises(ConclaveError) as caught:
        await door.complete(call("it"))

    assert caught.value.error_code == "configuration_error"


async def test_importing_the_room_does_not_import_litellm() -> None:
    program = "import sys, experts.gateway, experts.remote; sys.exit('litellm' in sys.modules)"

    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)

    assert await process.wait() == 0
