"""`bench decode`: tokens a second of one hosted model through the whole path, against its engine driven directly.

Both are measured in turn, round after round, with the same requests; the direct engine is a process of its own behind
pipes, as it is inside a host.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import aiohttp

from core.errors import Unavailable
from core.messages import Json
from evals.bench.stage import Stage, answering, free_port
from evals.bench.yard import SMOLLM2, configuration
from evals.reports import Figure, Report, median

Say = Callable[[str], None]

_AT_ONCE = (1, 4, 16)
_REQUESTS = {1: 8, 4: 16, 16: 48}
_ROUNDS = 3
_SLOTS = 16
_TOKENS = 64
_WITHIN_S = 300.0


async def bench_decode(say: Say, rounds: int = _ROUNDS) -> Report:
    """Return the report; `say` is told what is being measured."""
    weights = SMOLLM2.with_slots(_SLOTS)
    rows: list[dict[str, Json]] = []
    with Stage(configuration({"model": weights}, memory="1GiB")) as stage:
        async with AsyncExitStack() as closing:
            direct = _Direct(stage)
            closing.push_async_callback(direct.aclose)
            path = await closing.enter_async_context(_Path(stage))
            for number in range(-1, rounds):
                for at_once in _AT_ONCE:
                    bodies = _bodies(at_once, number)
                    for name, target in (("direct", direct), ("path", path)):
                        say(f"round {number + 1} of {rounds}: {name}, {at_once} at once")
                        told = await asyncio.wait_for(target.round(bodies, at_once), _WITHIN_S)
                        if number >= 0:
                            rows.append(_row(name, at_once, told))
    return Report("decode", _figures(rows), tuple(rows))


def _bodies(at_once: int, number: int) -> list[dict[str, Json]]:
    """Return a round's requests: the same for both, and never seen by an engine's cache before."""
    rng = random.Random(100 * number + at_once)
    return [
        {
            "messages": [{"role": "user", "content": f"Count from {rng.randrange(10**6)} to a million, in words."}],
            "max_tokens": _TOKENS,
            "temperature": 0,
        }
        for _ in range(_REQUESTS[at_once])
    ]


class _Direct:
    """The engine alone."""

    def __init__(self, stage: Stage) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "workers.hosting.alone", "model"],
            env=stage.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    async def round(self, bodies: Sequence[Mapping[str, Json]], at_once: int) -> dict[str, Any]:
        """Have the engine generate; return tokens, seconds and seconds to each first token."""
        asked = json.dumps({"bodies": [json.dumps(body) for body in bodies], "at_once": at_once})
        return await asyncio.to_thread(self._ask, asked)

    def _ask(self, asked: str) -> dict[str, Any]:
        assert self._process.stdin is not None  # noqa: S101  # both are pipes
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(asked + "\n")
        self._process.stdin.flush()
        if not (line := self._process.stdout.readline()):
            raise Unavailable(f"the engine ended with code {self._process.wait()}")
        told: dict[str, Any] = json.loads(line)
        return told

    async def aclose(self) -> None:
        """End it."""
        await asyncio.to_thread(self._process.communicate)


class _Path:
    """A host and an API, asked over HTTP."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._port = free_port()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> _Path:
        key = await asyncio.to_thread(self._stage.new_key)
        self._stage.start("cli.main", "host")
        api = self._stage.start("cli.main", "api", "--port", str(self._port))
        await answering(f"http://127.0.0.1:{self._port}/health/ready", api)
        self._session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {key}"})
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def round(self, bodies: Sequence[Mapping[str, Json]], at_once: int) -> dict[str, Any]:
        """Ask for every body, `at_once` at a time; return the same as the engine alone."""
        waiting = iter(bodies)
        told: dict[str, Any] = {"tokens": 0, "first_s": []}

        async def one_after_another() -> None:
            for body in waiting:
                tokens, first_s = await self._ask(body)
                told["tokens"] += tokens
                told["first_s"].append(first_s)

        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(one_after_another())
        return told | {"seconds": time.perf_counter() - started}

    async def _ask(self, body: Mapping[str, Json]) -> tuple[int, float]:
        assert self._session is not None  # noqa: S101  # entered
        asked = {**body, "model": "expert/expert-model", "stream": True, "stream_options": {"include_usage": True}}
        began, first_s, tokens = time.perf_counter(), 0.0, 0
        url = f"http://127.0.0.1:{self._port}/v1/chat/completions"
        async with self._session.post(url, json=asked) as answer:
            answer.raise_for_status()
            async for line in answer.content:
                if not line.startswith(b"data: {"):
                    continue
                chunk = json.loads(line[6:])
                if not first_s and any(choice["delta"].get("content") for choice in chunk["choices"]):
                    first_s = time.perf_counter() - began
                tokens = (chunk.get("usage") or {}).get("completion_tokens", tokens)
        return tokens, first_s


def _row(name: str, at_once: int, told: Mapping[str, Any]) -> dict[str, Json]:
    return {
        "name": name,
        "at_once": at_once,
        "tokens": told["tokens"],
        "tokens_per_s": round(told["tokens"] / told["seconds"], 1),
        "first_token_ms": round(1000 * median(told["first_s"]), 1),
    }


def _figures(rows: Sequence[Mapping[str, Json]]) -> tuple[Figure, ...]:
    def of(name: str, at_once: int, column: str) -> float:
        return median([float(str(r[column])) for r in rows if (r["name"], r["at_once"]) == (name, at_once)])

    def ratio(at_once: int) -> float:
        return round(of("path", at_once, "tokens_per_s") / of("direct", at_once, "tokens_per_s"), 3)

    later_ms = of("path", 1, "first_token_ms") - of("direct", 1, "first_token_ms")
    return (
        *(
            Figure(
                f"tokens/s through the path, {n} at once",
                ratio(n),
                "of direct",
                ">= 0.92" if n == 16 else None,
                "direct",
            )
            for n in _AT_ONCE
        ),
        *(
            Figure(f"tokens/s of the engine alone, {n} at once", of("direct", n, "tokens_per_s"), "tokens/s")
            for n in _AT_ONCE
        ),
        Figure("first token, 1 at once: later than direct", round(later_ms, 1), "ms", "<= 15", "direct"),
    )
