"""`bench overhead`: what Conclave adds to a call, against bare servers that only forward it.

The measured server has one core to itself; the upstream and the load generator share the other. Servers are measured
in turn, round after round, so that a slow moment of the machine falls on all of them alike.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.messages import Json
from evals.bench.load import Loaded, http_request, press
from evals.bench.stage import Stage, answering, free_port, resident_mb
from evals.reports import Figure, Report, median, percentile

_CONCURRENCIES = (1, 16, 64)
_ROUNDS = 3
_SECONDS = 2.0
_WARM_SECONDS = 1.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Target:
    """A server under load: the URL of its chat endpoint, the model to ask for, its process, and its key, if any."""

    name: str
    url: str
    model: str
    pid: int
    key: str | None = None

    def request(self, *, stream: bool) -> bytes:
        """Return the bytes of one request."""
        body: dict[str, Json] = {
            "model": self.model,
            "messages": [{"role": "user", "content": "Say something short."}],
            "max_tokens": 16,
        }
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return http_request(self.url, json.dumps(body).encode(), headers)


async def bench_overhead(say: Say) -> Report:
    """Return the report; `say` is told what is being measured."""
    upstream_port = free_port()
    with Stage(_configuration(upstream_port)) as stage:
        targets = await _start(stage, upstream_port)
        rows: list[dict[str, Json]] = []
        for round_number in range(_ROUNDS):
            for target, stream, concurrency in cases(targets):
                say(f"round {round_number + 1} of {_ROUNDS}: {target.name}, {concurrency} at once")
                request = target.request(stream=stream)
                if round_number == 0:
                    await press(target.url, request, concurrency, _WARM_SECONDS)
                loaded = await press(target.url, request, concurrency, _SECONDS)
                rows.append(_row(target, loaded, round_number, concurrency, stream=stream))
    return Report("overhead", _figures(rows), tuple(rows))


def cases(targets: Sequence[Target]) -> list[tuple[Target, bool, int]]:
    """Return target, whether it streams, and how many requests at once, in the order they are measured."""
    return [
        (target, stream, concurrency)
        for concurrency in _CONCURRENCIES
        for stream in (False, True)
        for target in targets
    ]


async def _start(stage: Stage, upstream_port: int) -> list[Target]:
    cores = sorted(os.sched_getaffinity(0))
    server_core, load_core = cores[:1], cores[-1:]
    os.sched_setaffinity(0, load_core)
    upstream = f"http://127.0.0.1:{upstream_port}/v1"
    ports = {name: free_port() for name in ("aiohttp", "litellm", "conclave")}
    process = stage.start("experts.scripted_upstream", "--port", str(upstream_port), cores=load_core)
    await answering(f"{upstream}/models", process)
    bare = {
        kind: stage.start("evals.bench.references", kind, str(ports[kind]), upstream, cores=server_core)
        for kind in ("aiohttp", "litellm")
    }
    key = stage.new_key()
    api = stage.start("cli.main", "api", "--port", str(ports["conclave"]), cores=server_core)
    await answering(f"http://127.0.0.1:{ports['conclave']}/health/ready", api)
    for kind, reference in bare.items():
        await answering(f"http://127.0.0.1:{ports[kind]}/openapi.json", reference)
    ours = f"http://127.0.0.1:{ports['conclave']}/v1/chat/completions"
    return [
        Target("direct", f"{upstream}/chat/completions", "ok", process.pid),
        Target("bare aiohttp", f"http://127.0.0.1:{ports['aiohttp']}/v1/chat/completions", "ok", bare["aiohttp"].pid),
        Target("lean pass-through", ours, "expert/lean", api.pid, key),
        Target("bare litellm", f"http://127.0.0.1:{ports['litellm']}/v1/chat/completions", "ok", bare["litellm"].pid),
        Target("litellm pass-through", ours, "expert/sdk", api.pid, key),
        Target("panel", ours, "three", api.pid, key),
    ]


def _row(target: Target, loaded: Loaded, round_number: int, concurrency: int, *, stream: bool) -> dict[str, Json]:
    return {
        "server": target.name,
        "stream": stream,
        "concurrency": concurrency,
        "round": round_number + 1,
        "requests_per_s": round(loaded.rate, 1),
        "p50_ms": round(percentile(loaded.latencies, 0.5) * 1000, 3),
        "p99_ms": round(percentile(loaded.latencies, 0.99) * 1000, 3),
        "failed": loaded.failed,
        "resident_mb": round(resident_mb(target.pid), 1),
    }


def _figures(rows: Sequence[dict[str, Json]]) -> tuple[Figure, ...]:
    figures: list[Figure] = []
    for stream in (False, True):
        for concurrency in _CONCURRENCIES:
            how = f"{'stream' if stream else 'whole'}, {concurrency} at once"
            for ours, bare, aim in (
                ("lean pass-through", "bare aiohttp", ">= 0.5"),
                ("litellm pass-through", "bare litellm", ">= 0.8"),
            ):
                ratio = _ratio(rows, ours, bare, concurrency, stream=stream)
                figures.append(Figure(f"{ours} / {bare} ({how})", ratio, "of requests/s", aim, bare))
    added = _added_p50(rows, "lean pass-through", "bare aiohttp")
    figures.append(Figure("added p50 of the lean pass-through, 1 at once", added, "ms", "< 1", "bare aiohttp"))
    panel = _added_p50(rows, "panel", "direct")
    figures.append(Figure("the panel's own time p50, 1 at once", panel, "ms", "< 10", "direct"))
    return tuple(figures)


def _ratio(rows: Sequence[dict[str, Json]], ours: str, bare: str, concurrency: int, *, stream: bool) -> float:
    mine = _values(rows, "requests_per_s", ours, concurrency, stream=stream)
    theirs = _values(rows, "requests_per_s", bare, concurrency, stream=stream)
    return round(median([one / other for one, other in zip(mine, theirs, strict=True)]), 3)


def _added_p50(rows: Sequence[dict[str, Json]], ours: str, bare: str) -> float:
    mine = _values(rows, "p50_ms", ours, 1, stream=False)
    theirs = _values(rows, "p50_ms", bare, 1, stream=False)
    return round(median([one - other for one, other in zip(mine, theirs, strict=True)]), 3)


def _values(
    rows: Sequence[dict[str, Json]], column: str, server: str, concurrency: int, *, stream: bool
) -> list[float]:
    return [
        float(str(row[column]))
        for row in rows
        if (row["server"], row["concurrency"], row["stream"]) == (server, concurrency, stream)
    ]


def _configuration(upstream_port: int) -> str:
    url = f"http://127.0.0.1:{upstream_port}/v1"
    expert = f"model: openai/ok, endpoint: {url}, sampling: {{max_tokens: 16}}"
    return f"""version: 1
experts:
  lean: {{{expert}}}
  sdk: {{{expert}, options: {{transport: litellm}}}}
  one: {{{expert}}}
  two: {{{expert}}}
pools:
  three:
    experts: [lean, one, two]
    router: panel
    k: {{max: 3, stop_at: 1.0}}
    aggregator: vote
"""
