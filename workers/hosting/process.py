"""The host's side of engine processes: starts them, talks to them, notices when they die."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import structlog

from core.errors import ConfigurationError, HostLost
from core.experts import ModelSpec
from core.settings import child_environment
from workers.hosting.engine import EngineEvent, Failed, Finished, Sink, Stopped
from workers.hosting.llama import LlamaOptions
from workers.hosting.wire import Cancel, Line, Loaded, Start, Unloadable, decode, encode

_log = structlog.get_logger(__name__)
_ROOT = Path(__file__).resolve().parents[2]
# The engine's threads spin while they wait for one another, by default for so long that one busy neighbour on two cores
# brings SmolLM2 from 106 to 2 tokens a second; spinning briefly keeps 30 to 60, and loses nothing on an idle machine.
_SHARE_CORES = {"GOMP_SPINCOUNT": "1000"}
_LONGEST_LINE = 8 << 20
_LOAD_S = 300.0
_END_S = 5.0
_STDIN, _STDOUT = 0, 1


class LlamaEngine:
    """Loads each model in a process of its own (see `workers.hosting.llama`)."""

    def __init__(self, load_s: float = _LOAD_S) -> None:
        """Give every load at most `load_s` seconds."""
        self._load_s = load_s

    async def load(self, path: Path | None, spec: ModelSpec, adapters: Sequence[Path] = ()) -> ProcessModel:
        """Start a process that loads the model; raises `ConfigurationError` when the file cannot be loaded."""
        if path is None:
            raise ConfigurationError(f"model {spec.name}: llama.cpp loads a file, and it has none")
        options = json.dumps(asdict(LlamaOptions(str(path), spec.context, spec.slots, tuple(map(str, adapters)))))
        process = await _start(sys.executable, "-m", "workers.hosting.llama", options)
        try:
            line = await asyncio.wait_for(asyncio.shield(process.first), self._load_s)
            if isinstance(line, Loaded):
                return ProcessModel(process, line.memory_bytes)
            reason = line.reason if isinstance(line, Unloadable) else "its engine said something else first"
        except TimeoutError:
            reason = f"not loaded after {self._load_s:g} seconds"
        except BaseException:
            await process.end()
            raise
        await process.end()
        raise ConfigurationError(f"model {spec.name}: {reason}")


class EngineProcess(asyncio.SubprocessProtocol):
    """A running engine: lines in both directions, and its end."""

    def __init__(self) -> None:
        """Wait for `connection_made`."""
        loop = asyncio.get_running_loop()
        self.pid = 0
        self.first: asyncio.Future[Line] = loop.create_future()
        self._gone: asyncio.Future[None] = loop.create_future()
        self._heard: Callable[[str, Line], None] | None = None
        self._died: Callable[[], None] | None = None
        self._part = bytearray()
        self._transport: asyncio.SubprocessTransport | None = None

    def follow(self, heard: Callable[[str, Line], None], died: Callable[[], None]) -> None:
        """Call `heard` with every line after the first, and `died` once when there will be no more."""
        self._heard, self._died = heard, died
        if self._gone.done():
            died()

    def tell(self, generation: str, line: Line) -> None:
        """Send a line. Never waits for the pipe to drain: it holds at most one request body a slot."""
        pipe = self._transport.get_pipe_transport(_STDIN) if self._transport is not None else None
        if isinstance(pipe, asyncio.WriteTransport) and not pipe.is_closing():
            pipe.write(encode(generation, line))

    async def end(self) -> None:
        """End it by force: it holds nothing but memory, so nothing is lost. Returns when it is gone."""
        if not self._gone.done():
            # Not the transport's `kill`: it may reap the process, and asyncio then complains that it is gone.
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._gone), _END_S)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.SubprocessTransport)  # noqa: S101  # what asyncio promises
        self._transport, self.pid = transport, transport.get_pid() or 0

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002  # the signature is asyncio's
        """Hear whole lines."""
        self._part += data
        *lines, rest = self._part.split(b"\n")
        self._part = rest
        for text in lines:
            generation, line = decode(bytes(text))
            if not self.first.done():
                self.first.set_result(line)
            elif self._heard is not None:
                self._heard(generation, line)
        if len(rest) > _LONGEST_LINE:
            os.kill(self.pid, signal.SIGKILL)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002  # the same
        """Notice the end of its output: it is dead or about to be."""
        if fd != _STDOUT:
            return
        if not self.first.done():
            self.first.set_result(Unloadable("its engine died while loading it"))
        died, self._died = self._died, None
        if died is not None:
            died()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the same
        """Let go of the process once it is reaped and its pipes are closed."""
        if self._transport is not None:
            self._transport.close()
        self._gone.set_result(None)


class ProcessModel:
    """A model in a process of its own."""

    def __init__(self, process: EngineProcess, memory_bytes: int) -> None:
        """Speak with a process that has loaded its model."""
        self._process = process
        self._memory_bytes = memory_bytes
        self._sinks: dict[str, Sink] = {}
        self._alive = True
        process.follow(self._hear, self._die)

    @property
    def pid(self) -> int:
        """Return the process's id."""
        return self._process.pid

    @property
    def memory_bytes(self) -> int:
        """Return what the process took when the model was loaded."""
        return self._memory_bytes

    @property
    def alive(self) -> bool:
        """Return whether the process still serves."""
        return self._alive

    def start(self, generation: str, body: str, sink: Sink) -> None:
        """Begin a generation; when the process is dead, it ends at once as `Failed`."""
        if not self._alive:
            sink(_lost())
            return
        self._sinks[generation] = sink
        self._process.tell(generation, Start(body))

    def cancel(self, generation: str) -> None:
        """Ask a generation to stop."""
        if generation in self._sinks:
            self._process.tell(generation, Cancel())

    async def close(self) -> None:
        """End the process."""
        await self._process.end()

    def _hear(self, generation: str, line: Line) -> None:
        if isinstance(line, Start | Cancel | Loaded | Unloadable):
            return
        ended = isinstance(line, Finished | Failed | Stopped)
        sink = self._sinks.pop(generation, None) if ended else self._sinks.get(generation)
        if sink is not None:
            sink(line)

    def _die(self) -> None:
        self._alive = False
        sinks, self._sinks = self._sinks, {}
        if sinks:
            _log.error("engine.died", pid=self.pid, generations=len(sinks))
        for sink in sinks.values():
            sink(_lost())


async def _start(*command: str) -> EngineProcess:
    starting = asyncio.ensure_future(
        asyncio.get_running_loop().subprocess_exec(
            EngineProcess,
            *command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None,
            env=child_environment({"PYTHONPATH": str(_ROOT), **_SHARE_CORES}),
        )
    )
    try:
        return (await asyncio.shield(starting))[1]
    except asyncio.CancelledError:
        # A start cut short would leave pipes behind.
        await (await starting)[1].end()
        raise


def _lost() -> EngineEvent:
    return Failed(HostLost.code, "the engine of the model died; ask again", retryable=True)
