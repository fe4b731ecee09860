"""An engine without a service around it: what `conclave bench decode` compares the whole path with.

Run as a program with a model's name: each line it reads asks for a round of generations, each line it writes tells how
long they took.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from core.experts import ModelSpec
from core.ids import ModelName
from core.settings import Settings, environment, load_settings
from wiring.configuration.loading import load_configuration
from workers.hosting.artefacts import ArtefactStore
from workers.hosting.engine import EngineEvent, EngineModel, Failed, Finished, Stopped, Text
from workers.hosting.preparing import prepare
from workers.hosting.process import LlamaEngine


@dataclass(frozen=True, slots=True)
class Round:
    """What a round took: tokens written, seconds in all, and seconds to the first token of each generation."""

    tokens: int
    seconds: float
    first_s: list[float]


async def generate(model: EngineModel, bodies: Sequence[str], at_once: int) -> Round:
    """Generate from every body, `at_once` at a time; raises `RuntimeError` when one fails."""
    first_s: list[float] = []
    tokens = 0
    waiting = iter(enumerate(bodies))

    async def one_after_another() -> None:
        nonlocal tokens
        for number, body in waiting:
            ended: asyncio.Future[EngineEvent] = asyncio.get_running_loop().create_future()
            began, spoken = time.perf_counter(), False

            def hear(event: EngineEvent, ended: asyncio.Future[EngineEvent] = ended, began: float = began) -> None:
                nonlocal spoken
                if isinstance(event, Text) and not spoken:
                    spoken = True
                    first_s.append(time.perf_counter() - began)
                if isinstance(event, Finished | Failed | Stopped):
                    ended.set_result(event)

            model.start(str(number), body, hear)
            ending = await ended
            if not isinstance(ending, Finished):
                raise RuntimeError(f"a generation ended as {ending}")
            tokens += ending.output_tokens

    started = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(one_after_another())
    return Round(tokens, time.perf_counter() - started, first_s)


async def run(settings: Settings, name: str) -> None:
    """Load a model of the configuration and do the rounds that standard input asks for, until it ends."""
    spec: ModelSpec = load_configuration(settings.config, environment()).catalogue.models[ModelName(name)]
    prepared = await prepare(spec, ArtefactStore(settings.cache).locate)
    model = await LlamaEngine().load(prepared.path, spec)
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            asked = json.loads(line)
            done = await generate(model, asked["bodies"], asked["at_once"])
            sys.stdout.write(json.dumps(asdict(done)) + "\n")
            sys.stdout.flush()
    finally:
        await model.close()


if __name__ == "__main__":
    asyncio.run(run(load_settings(), sys.argv[1]))
