"""The engine on a real model: streaming, batching, constraints, cancelling, refusing, dying."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from core.errors import ConfigurationError
from tests.workers.generations import begin
from tests.workers.models import MIB, smollm
from workers.hosting.artefacts import ArtefactStore
from workers.hosting.engine import Failed, Finished, Stopped, Text
from workers.hosting.gguf import read_shape
from workers.hosting.memory import estimated_bytes, resident_bytes
from workers.hosting.process import LlamaEngine, ProcessModel

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG = "Count from one to ten thousand."
ENDLESS: dict[str, Any] = {"max_tokens": 900, "ignore_eos": True}
UNKNOWN_TYPE = {"type": "json_schema", "json_schema": {"schema": {"type": "?"}}}


async def load(folder: Path) -> ProcessModel:
    path = await asyncio.to_thread(ArtefactStore(folder).locate, smollm())
    return await LlamaEngine().load(path, smollm())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProcessModel]:
    """SmolLM2 with two slots of 1,024 tokens."""
    model = await load(tmp_path_factory.mktemp("cache"))
    yield model
    await model.close()


async def test_a_reply_comes_in_many_parts_with_its_usage(model: ProcessModel) -> None:
    generation = begin(model, "What is the capital of France?")

    ending = await generation.ending()

    assert isinstance(ending, Finished)
    assert (ending.finish, ending.output_tokens) == ("length", 24)
    assert ending.input_tokens > 30
    assert sum(isinstance(event, Text) for event in generation.events) > 10


async def test_two_requests_are_decoded_together(model: ProcessModel) -> None:
    first, second = begin(model, LONG, **ENDLESS), begin(model, "Tell me a story.", **ENDLESS)

    await first.until(Text)
    await second.until(Text)

    running = [generation for generation in (first, second) if not isinstance(generation.events[-1], Finished)]
    assert len(running) == 2
    for generation in running:
        model.cancel(generation.name)
        assert await generation.ending() == Stopped()


async def test_an_answer_by_schema_is_json_of_that_schema(model: ProcessModel) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}

    generation = begin(model, "What is the capital of France?", response_format=wanted, max_tokens=60)
    await generation.ending()

    assert json.loads(generation.text)["city"] in ("Paris", "Rome")


async def test_the_same_prompt_again_is_partly_cached(model: ProcessModel) -> None:
    await begin(model, "Name a colour of the rainbow.").ending()

    ending = await begin(model, "Name a colour of the rainbow.").ending()

    assert isinstance(ending, Finished)
    assert ending.cached_tokens > 10


async def test_log_probabilities_are_averaged_when_asked_for(model: ProcessModel) -> None:
    ending = await begin(model, "Say yes.", logprobs=True).ending()

    assert isinstance(ending, Finished)
    assert ending.mean_logprob is not None
    assert ending.mean_logprob < 0


async def test_a_prompt_longer_than_a_slot_is_refused(model: ProcessModel) -> None:
    ending = await begin(model, "word " * 2000).ending()

    assert isinstance(ending, Failed)
    assert (ending.code, ending.retryable) == ("context_length_exceeded", False)
    assert "1024" in ending.message


@pytest.mark.parametrize("broken", [{"messages": "none"}, {"response_format": UNKNOWN_TYPE}])
async def test_a_malformed_request_ends_alone(model: ProcessModel, broken: dict[str, Any]) -> None:
    ending = await begin(model, "Hello", **broken).ending()

    assert isinstance(ending, Failed)
    assert ending.code == "invalid_request"
    assert isinstance(await begin(model, "Hello").ending(), Finished)


async def test_a_generation_is_cancelled_before_its_first_token(model: ProcessModel) -> None:
    generation = begin(model, "word " * 900)
    model.cancel(generation.name)

    async with asyncio.timeout(5):
        ending = await generation.ending()

    assert ending == Stopped()
    assert generation.text == ""


async def test_nobody_else_can_reach_the_engine(model: ProcessModel) -> None:
    inodes = {line.split()[9] for line in await asyncio.to_thread(lines_of, "/proc/net/tcp")}

    held = {os.readlink(f"/proc/{model.pid}/fd/{name}") for name in os.listdir(f"/proc/{model.pid}/fd")}

    assert not {inode for inode in inodes if f"socket:[{inode}]" in held}


def lines_of(path: str) -> list[str]:
    return Path(path).read_text().splitlines()[1:]


async def test_signals_do_not_stop_an_engine_under_its_host(model: ProcessModel) -> None:
    generation = begin(model, LONG)

    os.kill(model.pid, signal.SIGTERM)
    os.kill(model.pid, signal.SIGINT)

    assert isinstance(await generation.ending(), Finished)
    assert model.alive


async def test_the_estimate_is_near_what_loading_takes(model: ProcessModel, tmp_path: Path) -> None:
    path = await asyncio.to_thread(ArtefactStore(tmp_path).locate, smollm())
    estimate = estimated_bytes(smollm(), await asyncio.to_thread(read_shape, path, "m"))

    assert abs(estimate - model.memory_bytes) < 100 * MIB


async def test_an_engine_that_dies_ends_its_generations_and_serves_no_more(tmp_path: Path) -> None:
    model = await load(tmp_path)
    generation = begin(model, LONG, **ENDLESS)
    await generation.until(Text)

    os.kill(model.pid, signal.SIGKILL)

    ending = await generation.ending()
    assert isinstance(ending, Failed)
    assert (ending.code, ending.retryable) == ("host_lost", True)
    assert not model.alive
    assert isinstance(await begin(model, "Hello").ending(), Failed)


async def test_unloading_gives_all_memory_back(tmp_path: Path) -> None:
    model = await load(tmp_path)
    before = await asyncio.to_thread(resident_bytes, model.pid)

    await model.close()

    assert before > 100 * MIB
    assert await asyncio.to_thread(resident_bytes, model.pid) == 0


async def test_a_truncated_model_is_refused_with_its_name(tmp_path: Path) -> None:
    whole = await asyncio.to_thread(ArtefactStore(tmp_path).locate, smollm())
    cut = tmp_path / "cut.gguf"
    await asyncio.to_thread(lambda: cut.write_bytes(whole.read_bytes()[:5_000_000]))

    with pytest.raises(ConfigurationError, match=r"model smollm2: .*truncated"):
        await LlamaEngine().load(cut, smollm())
