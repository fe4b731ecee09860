"""What servers say on the wire, in their own dialects: read as events, or as a typed failure."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.workers.generations import Generation, begin
from tests.workers.models import program, served
from workers.hosting.engine import EngineEvent, Failed, Finished, Progress, Text
from workers.hosting.server import ServerEngine, ServerModel, ServerTimings

pytestmark = pytest.mark.asyncio(loop_scope="module")

USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
TIMINGS = ServerTimings(look_s=0.05, silence_s=0.2, probe_s=5.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerModel]:
    """A server that answers what it is asked to answer."""
    engine = ServerEngine(tmp_path_factory.mktemp("logs"), TIMINGS)
    model = await engine.load(None, served(*program("fake_server.py")))
    yield model
    await model.close()


def answered(model: ServerModel, body: str, **answer: Any) -> Generation:
    """Start a generation that gets this answer."""
    return begin(model, json.dumps({"body": body, **answer}))


def chunk(finish: str | None = None, usage: Any = None, **delta: Any) -> str:
    return f"data: {json.dumps({'choices': [{'index': 0, 'finish_reason': finish, 'delta': delta}], 'usage': usage})}"


def stream(*events: str) -> str:
    return "\n\n".join(events) + "\n\n"


VLLM = stream(
    chunk(role="assistant", content="", reasoning_content=None),
    chunk(reasoning_content="hm"),
    chunk(content="4"),
    chunk("stop", content=""),
    f"data: {json.dumps({'choices': [], 'usage': {**USAGE, 'prompt_tokens_details': None}})}",
    "data: [DONE]",
)
SGLANG = stream(
    chunk(role="assistant", content=None, tool_calls=None, reasoning_content="hm"),
    chunk(content="4", usage={**USAGE, "completion_tokens": 1}),
    chunk("stop", usage={**USAGE, "prompt_tokens_details": {"cached_tokens": None}}, content=None),
    "data: [DONE]",
)
OLLAMA = stream(
    ": keep-alive",
    chunk(role="assistant", content="", reasoning="hm"),
    chunk(content="4"),
    chunk("stop", content=""),
    f"data: {json.dumps({'choices': [], 'usage': USAGE})}",
)


@pytest.mark.parametrize("body", [VLLM, SGLANG, OLLAMA], ids=["vllm", "sglang", "ollama"])
async def test_a_reply_in_any_dialect_is_the_same_reply(model: ServerModel, body: str) -> None:
    generation = answered(model, body)

    assert await generation.ending() == Finished("stop", 7, 2, 0)
    assert [event for event in generation.events if isinstance(event, Text | Progress)] == [Progress(), Text("4")]


async def test_the_server_is_asked_by_its_own_name_for_a_stream_with_usage(model: ServerModel) -> None:
    generation = begin(model, json.dumps({"body": "echo"}), top_k=1)
    await generation.ending()

    asked = json.loads(generation.text)
    assert (asked["path"], asked["model"], asked["top_k"]) == ("/v1/chat/completions", "the-house-model", 1)
    assert (asked["stream"], asked["stream_options"]) == (True, {"include_usage": True})


async def test_without_usage_the_parts_are_counted(model: ServerModel) -> None:
    ending = await answered(model, stream(chunk(content="a"), chunk(content="b"), chunk("length"))).ending()

    assert ending == Finished("length", 0, 2, 0)


async def test_a_server_that_does_not_stream_is_read_all_the_same(model: ServerModel) -> None:
    whole = {"choices": [{"finish_reason": "stop", "message": {"content": "4"}}], "usage": USAGE}

    generation = answered(model, json.dumps(whole), type="application/json")

    assert await generation.ending() == Finished("stop", 7, 2, 0)
    assert generation.text == "4"


async def test_a_reply_is_over_when_the_server_says_so(model: ServerModel) -> None:
    ending = await answered(model, stream(chunk("stop", USAGE, content="4"), "data: [DONE]"), stay=True).ending()

    assert ending == Finished("stop", 7, 2, 0)


async def test_a_server_that_is_silent_but_healthy_goes_on(model: ServerModel) -> None:
    generation = answered(model, stream(chunk(content="a")), stay=True)
    await generation.until(Text)
    before = model._heard_at

    async with asyncio.timeout(30):
        while model._heard_at < before + 3 * TIMINGS.silence_s:
            await answered(model, VLLM).ending()

    assert (model.alive, generation.endings) == (True, 0)
    model.cancel(generation.name)
    await generation.ending()


TOO_LONG = [
    {
        "object": "error",
        "message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens.",
        "type": "BadRequestError",
        "code": 400,
    },
    {"error": {"message": "The decoder prompt (length 9) is longer than the maximum model length of 8.", "code": 400}},
    {"error": {"message": "The input (9 tokens) is longer than the model's context length (8 tokens)."}},
    {"error": {"message": "no", "code": "context_length_exceeded"}},
    {"error": {"type": "exceed_context_size_error", "code": 400, "n_prompt_tokens": 9, "n_ctx": 8}},
]


@pytest.mark.parametrize("body", TOO_LONG)
async def test_a_prompt_that_is_too_long_is_told_apart(model: ServerModel, body: dict[str, Any]) -> None:
    ending = await answered(model, json.dumps(body), status=400, type="application/json").ending()

    assert isinstance(ending, Failed)
    assert (ending.code, ending.retryable) == ("context_length_exceeded", False)


@pytest.mark.parametrize(
    ("status", "body", "code", "retryable"),
    [
        (
            400,
            '{"error": {"message": "no such thing", "type": "BadRequestError", "code": 400}}',
            "invalid_request",
            False,
        ),
        (404, '{"object": "error", "message": "The model `x` does not exist.", "code": 404}', "invalid_request", False),
        (422, '{"detail": [{"msg": "field required"}]}', "invalid_request", False),
        (400, '{"error": "bad prompt"}', "invalid_request", False),
        (429, "slow down", "overloaded", True),
        (503, '{"error": {"message": "Loading model", "code": 503}}', "overloaded", True),
        (500, "<html>", "internal_error", True),
        (502, "", "internal_error", True),
        (302, "", "internal_error", True),
    ],
)
async def test_a_refusal_keeps_its_kind(model: ServerModel, status: int, body: str, code: str, retryable: bool) -> None:
    ending = await answered(model, body, status=status, type="application/json").ending()

    assert isinstance(ending, Failed)
    assert (ending.code, ending.retryable) == (code, retryable)


async def test_the_words_of_a_refusal_are_passed_on_bounded(model: ServerModel) -> None:
    ending = await answered(model, json.dumps({"error": {"message": "n" * 9999}}), status=400).ending()

    assert isinstance(ending, Failed)
    assert ending.message.startswith("the engine refused the request: nnn")
    assert len(ending.message) < 400


BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"body": stream(chunk(content="a")), "missing": 5}, "host_lost"),
    ({"body": stream(chunk(content="a"))}, "internal_error"),
    ({"body": stream(chunk("abort", content="a"))}, "internal_error"),
    ({"body": stream('data: {"error": {"message": "out of memory", "code": 500}}')}, "internal_error"),
    ({"body": stream("data: not JSON")}, "malformed_stream"),
    ({"body": stream("data: [1]")}, "malformed_stream"),
    ({"body": stream('data: {"choices": [7]}')}, "malformed_stream"),
    ({"body": "data: " + "x" * (2 << 20)}, "malformed_stream"),
]


@pytest.mark.parametrize(("answer", "code"), BROKEN)
async def test_a_broken_reply_has_one_ending_that_may_be_tried_again(
    model: ServerModel, answer: dict[str, Any], code: str
) -> None:
    generation = answered(model, **answer)

    ending: EngineEvent = await generation.ending()

    assert isinstance(ending, Failed)
    assert (ending.code, ending.retryable) == (code, True), ending.message
    assert isinstance(await answered(model, VLLM).ending(), Finished)
    assert generation.endings == 1
