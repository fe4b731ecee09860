"""`bench start`: how long until it answers, and how much memory every process takes, idle and with a model loaded."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import Request, urlopen

from core.messages import Json
from core.settings import child_environment
from evals.bench.stage import Stage, answering, free_port, resident_mb
from evals.reports import Figure, Report, median

_ROUNDS = 3
_STOP_S = 30.0

Say = Callable[[str], None]


async def bench_start(say: Say) -> Report:
    """Return the report: the API alone on stores that run, then the whole of `conclave serve` on a new home."""
    live = []
    with Stage() as stage:
        for number in range(_ROUNDS):
            say(f"starting the API, {number + 1} of {_ROUNDS}")
            port = free_port()
            started = time.perf_counter()
            api = stage.start("cli.main", "api", "--port", str(port))
            await answering(f"http://127.0.0.1:{port}/health/live", api)
            live.append(time.perf_counter() - started)
            stage.stop(api)
    say("starting everything on a new home")
    ready, rows = await _serve(say)
    figures = (
        Figure("API process start to /health/live, median", round(median(live), 2), "s", "< 2.0"),
        Figure("conclave serve to ready, new home", round(ready, 2), "s", "< 10"),
        *(
            Figure(f"resident, {state}, all processes", sum(float(str(r["resident_mb"])) for r in of), "MB")
            for state in ("idle", "one model loaded")
            if (of := [row for row in rows if row["state"] == state])
        ),
    )
    return Report("start", figures, tuple(rows))


async def _serve(say: Say) -> tuple[float, list[dict[str, Json]]]:
    folder = Path(tempfile.mkdtemp(prefix="conclave-start-"))
    port = free_port()
    environment = child_environment({"CONCLAVE_HOME": str(folder / "home")})
    started = time.perf_counter()
    process = subprocess.Popen(  # noqa: ASYNC220  # nothing else waits for this loop
        [sys.executable, "-m", "cli.main", "serve", "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        await answering(f"http://127.0.0.1:{port}/health/ready", process)
        ready = time.perf_counter() - started
        rows = _family(process.pid, "idle")
        say("loading a model")
        await asyncio.to_thread(_ask, port, (folder / "home" / "key").read_text(encoding="utf-8").strip())
        rows += _family(process.pid, "one model loaded")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP_S)
        shutil.rmtree(folder, ignore_errors=True)
    return ready, rows


def _ask(port: int, key: str) -> None:
    body = {"model": "expert/first-opinion", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 4}
    request = Request(  # our own process on the loopback
        f"http://127.0.0.1:{port}/v1/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
    )
    with urlopen(request, timeout=120) as answer:  # noqa: S310  # the same
        answer.read()


def _family(root: int, state: str) -> list[dict[str, Json]]:
    parents = {int(entry): _parent(int(entry)) for entry in os.listdir("/proc") if entry.isdigit()}
    family = [root]
    for pid in family:
        family.extend(child for child, parent in parents.items() if parent == pid)
    return [{"state": state, "process": _name(pid), "resident_mb": round(resident_mb(pid), 1)} for pid in family]


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _name(pid: int) -> str:
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    plain = [word for word in words[1:] if word.isprintable() and not word.startswith(("-", "/", "{"))]
    return " ".join([Path(words[0]).name.strip(), *plain[:2]])[:60]
