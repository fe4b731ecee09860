"""The server engine on a real server and a real model: llama.cpp over HTTP, started, watched, killed and ended."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from core.errors import ConfigurationError
from core.experts import Engine, ModelSpec
from core.settings import child_environment
from tests.workers.generations import begin
from tests.workers.groups import is_running, kill_program, members, until_empty
from tests.workers.models import MIB, program, served, smollm
from tests.workers.waiting import until
from workers.hosting.artefacts import ArtefactStore
from workers.hosting.engine import Failed, Finished, Stopped, Text
from workers.hosting.engines import Engines
from workers.hosting.server import ServerEngine, ServerModel, ServerTimings

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = Path(__file__).resolve().parents[2]
LLAMA = program("llama_server.py", "{path}", "--context", "{context}", "--slots", "{slots}")
LONG = "Count from one to ten thousand."
ENDLESS: dict[str, Any] = {"max_tokens": 900, "ignore_eos": True}
QUICK = ServerTimings(look_s=0.1, silence_s=0.5, probe_s=0.5, grace_s=5.0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of SmolLM2."""
    return await asyncio.to_thread(ArtefactStore(tmp_path_factory.mktemp("cache")).locate, smollm())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerModel]:
    """SmolLM2 behind llama.cpp's server, with two slots of 1,024 tokens."""
    model = await load(weights, tmp_path_factory.mktemp("logs"))
    yield model
    await model.close()


async def load(weights: Path, logs: Path, timings: ServerTimings | None = None, slots: int = 2) -> ServerModel:
    return await ServerEngine(logs, timings).load(weights, served(*LLAMA, path=str(weights), slots=slots))


async def refused(logs: Path, spec: ModelSpec, timings: ServerTimings = QUICK) -> str:
    """What is said of a server that cannot be started."""
    with pytest.raises(ConfigurationError) as caught:
        await ServerEngine(logs, timings).load(None, spec)
    return caught.value.message


async def test_a_reply_is_streamed_with_its_usage(model: ServerModel) -> None:
    generation = begin(model, "What is the capital of France?")

    ending = await generation.ending()

    assert isinstance(ending, Finished)
    assert (ending.finish, ending.output_tokens) == ("length", 24)
    assert ending.input_tokens > 30
    assert sum(isinstance(event, Text) for event in generation.events) > 10


async def test_an_answer_by_schema_is_json_of_that_schema(model: ServerModel) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}

    generation = begin(model, "What is the capital of France?", response_format=wanted, max_tokens=60)
    await generation.ending()

    assert json.loads(generation.text)["city"] in ("Paris", "Rome")


async def test_two_requests_are_served_together(model: ServerModel) -> None:
    first, second = begin(model, LONG, **ENDLESS), begin(model, "Tell me a story.", **ENDLESS)

    await first.until(Text)
    await second.until(Text)

    assert first.endings == second.endings == 0
    for generation in (first, second):
        model.cancel(generation.name)
        assert await generation.ending() == Stopped()


async def test_a_prompt_longer_than_the_context_is_refused(model: ServerModel) -> None:
    ending = await begin(model, "word " * 2000).ending()

    assert isinstance(ending, Failed)
    assert (ending.code, ending.retryable) == ("context_length_exceeded", False)
    assert "1024" in ending.message


async def test_a_malformed_request_ends_alone(model: ServerModel) -> None:
    ending = await begin(model, "Hello", messages="none").ending()

    assert isinstance(ending, Failed)
    assert (ending.code, ending.retryable) == ("invalid_request", False)
    assert isinstance(await begin(model, "Hello").ending(), Finished)


async def test_its_memory_is_that_of_its_processes(model: ServerModel) -> None:
    async def measured() -> bool:
        return model.memory_bytes > 100 * MIB

    assert await until(measured)


async def test_cancelling_frees_the_slot(weights: Path, tmp_path: Path) -> None:
    model = await load(weights, tmp_path, slots=1)
    endless = begin(model, LONG, **ENDLESS)
    await endless.until(Text)

    model.cancel(endless.name)
    model.cancel(endless.name)

    assert await endless.ending() == Stopped()
    # The only slot would be taken for the 900 tokens of the other, which end by length.
    assert isinstance(await begin(model, "Hello").ending(), Finished)
    assert endless.endings == 1
    await model.close()


async def test_a_generation_cancelled_before_it_began_has_its_ending(model: ServerModel) -> None:
    generation = begin(model, "Hello")
    model.cancel(generation.name)

    assert await generation.ending() == Stopped()


async def test_a_server_that_is_killed_ends_its_generations_and_serves_no_more(weights: Path, tmp_path: Path) -> None:
    model = await load(weights, tmp_path)
    generations = [begin(model, LONG, **ENDLESS), begin(model, "Tell me a story.", **ENDLESS)]
    await generations[0].until(Text)

    kill_program(model.group, "llama_server.py", signal.SIGKILL)

    for generation in generations:
        ending = await generation.ending()
        assert isinstance(ending, Failed)
        assert (ending.code, ending.retryable) == ("host_lost", True)

    async def dead() -> bool:
        return not model.alive

    assert await until(dead)
    assert isinstance(await begin(model, "Hello").ending(), Failed)
    assert [generation.endings for generation in generations] == [1, 1]
    await model.close()


async def test_a_server_that_stands_still_is_found_to_hang_and_killed(weights: Path, tmp_path: Path) -> None:
    model = await load(weights, tmp_path, QUICK)
    generation = begin(model, LONG, **ENDLESS)
    await generation.until(Text)

    os.killpg(model.group, signal.SIGSTOP)

    ending = await generation.ending()
    assert isinstance(ending, Failed)
    assert (ending.code, ending.retryable) == ("host_lost", True)
    assert not model.alive
    await until_empty(model.group)
    await model.close()


async def test_closing_leaves_no_process_and_ends_what_runs(weights: Path, tmp_path: Path) -> None:
    model = await load(weights, tmp_path)
    generation = begin(model, LONG, **ENDLESS)
    await generation.until(Text)
    assert len(members(model.group)) > 1

    await model.close()

    assert isinstance(await generation.ending(), Failed)
    assert not model.alive
    await until_empty(model.group)


async def test_a_server_that_does_not_listen_to_signals_is_ended_by_force(tmp_path: Path) -> None:
    deaf = "trap '' TERM; " + " ".join(f"'{word}'" for word in program("fake_server.py")) + " & wait"
    model = await ServerEngine(tmp_path, ServerTimings(grace_s=0.3)).load(None, served("sh", "-c", deaf))

    await model.close()

    await until_empty(model.group)


async def test_a_killed_host_takes_its_servers_along(tmp_path: Path) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "tests.workers.orphan", str(tmp_path / "log")],
        cwd=ROOT,
        env=child_environment({}),
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )

    assert done.returncode == -signal.SIGKILL
    await until_empty(int(done.stdout))


async def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    said = await refused(tmp_path, served("no-such-server", "--port", "{port}"))

    assert said == 'model house: no program "no-such-server" can be run here'


async def test_a_server_that_ends_says_how_and_its_last_words(tmp_path: Path) -> None:
    said = await refused(tmp_path, served("sh", "-c", "echo no GPU is there >&2; exit 3", "{port}"))

    assert said.startswith("model house: its server ended with exit code 3: no GPU is there (log: ")


async def test_the_last_words_of_a_server_are_bounded(tmp_path: Path) -> None:
    said = await refused(tmp_path, served("sh", "-c", "yes words | head -c 3000000; exit 1", "{port}"))

    assert len(said) < 1000


async def test_a_server_that_never_becomes_healthy_is_given_up_and_ended(tmp_path: Path) -> None:
    said = await refused(tmp_path, served(*program("fake_server.py", "--sick"), starts_s=1.0))

    assert said.startswith("model house: its server was not healthy after 1 seconds: it said nothing")


async def test_a_start_that_is_cancelled_leaves_nothing(tmp_path: Path) -> None:
    mark = f"mark-{random.random()}"
    spec = served("sh", "-c", "sleep 1000; : {port}", mark)
    loading = asyncio.create_task(ServerEngine(tmp_path, QUICK).load(None, spec))

    async def marked() -> bool:
        return is_running(mark)

    async def gone() -> bool:
        return not is_running(mark)

    await until(marked)
    loading.cancel()

    with pytest.raises(asyncio.CancelledError):
        await loading
    assert await until(gone)


async def test_each_model_goes_to_the_engine_of_its_kind(weights: Path, tmp_path: Path) -> None:
    engines = Engines({Engine.SERVER: ServerEngine(tmp_path)})

    model = await engines.load(None, served(*program("fake_server.py")))

    assert isinstance(model, ServerModel)
    await model.close()
