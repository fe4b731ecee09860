"""Models behind an OpenAI-compatible server that the host starts, watches and ends: vLLM, SGLang, llama-server, ..."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import structlog
from aiohttp.http_exceptions import HttpProcessingError

from core.errors import ConfigurationError, HostLost, InternalError, MalformedStream
from core.experts import ModelSpec, ServerCommand
from experts.remote.sse import SseReader
from wiring.chores import again_and_again
from workers.hosting.chunks import ChunkReader
from workers.hosting.commands import command_line, lacking
from workers.hosting.engine import Ending, Failed, Finished, Sink, Stopped
from workers.hosting.memory import group_bytes
from workers.hosting.refusals import failure_of_response
from workers.hosting.server_process import ServerProcess

_log = structlog.get_logger(__name__)
_LOOPBACK = "127.0.0.1"
_CONNECT_S = 5.0
_LONGEST_REFUSAL = 64 << 10
_LONGEST_REPLY = 64 << 20
_HANGS_AFTER = 2
_DONE = b"[DONE]"
_BROKEN = (aiohttp.ClientError, HttpProcessingError, OSError, TimeoutError)
_GONE = "the server of the model died; ask again"
_HEADERS = {"Content-Type": "application/json", "Accept": "text/event-stream", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class ServerTimings:
    """How a server is watched, in seconds.

    `look_s` is how often; `silence_s` how long it may say nothing while it should, before its health is asked for, and
    `probe_s` how long that may take. A server that is told to end has `grace_s`.
    """

    look_s: float = 1.0
    silence_s: float = 30.0
    probe_s: float = 5.0
    grace_s: float = 10.0


class ServerEngine:
    """Starts a server for each model, in a process group of its own, on a free port of the loopback."""

    def __init__(self, logs: Path, timings: ServerTimings | None = None) -> None:
        """Keep what servers say in files of the folder `logs`."""
        self._logs = logs
        self._timings = timings or ServerTimings()

    async def load(self, path: Path | None, spec: ModelSpec, adapters: Sequence[Path] = ()) -> ServerModel:  # noqa: ARG002  # llama's
        """Start the model's server and return when it is healthy; raises `ConfigurationError` when that is not to be.

        The error says how the server failed, and its last words.
        """
        server = spec.server
        if server is None:
            raise ConfigurationError(f"model {spec.name}: it has no command to start a server with")
        if reason := await asyncio.to_thread(lacking, server):
            raise ConfigurationError(f"model {spec.name}: {reason}")
        port = _free_port()
        log = self._logs / f"model-{spec.name}.log"
        try:
            process = await ServerProcess.begin(command_line(spec, server, path, port), log)
        except OSError as error:
            raise ConfigurationError(f"model {spec.name}: its server cannot be started: {error}") from None
        line = _Line(f"http://{_LOOPBACK}:{port}", server)
        try:
            how = await self._until_healthy(process, line)
            if how is None:
                return ServerModel(spec, process, line, self._timings)
            said = await process.said()
        except BaseException:
            await _end(process, line)
            raise
        await _end(process, line)
        raise ConfigurationError(f"model {spec.name}: its server {how}: {said} (log: {log})")

    async def _until_healthy(self, process: ServerProcess, line: _Line) -> str | None:
        """Return how the server failed to become healthy, or nothing when it did."""
        ending = asyncio.ensure_future(process.ended())
        pause = min(self._timings.look_s, 0.25)
        try:
            async with asyncio.timeout(line.server.starts_s):
                while not await line.healthy(self._timings.probe_s):
                    await asyncio.wait([ending], timeout=pause)
                    if ending.done():
                        return ending.result()
        except TimeoutError:
            return f"was not healthy after {line.server.starts_s:g} seconds"
        finally:
            ending.cancel()
        return None if process.running else "ended"


class _Line:
    """HTTP to one server. Every exchange has a connection of its own, so that closing it ends only that one."""

    def __init__(self, url: str, server: ServerCommand) -> None:
        self.server = server
        self._url = url
        # A connection that is kept is closed by the server just when it is used again, every so often.
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True), cookie_jar=aiohttp.DummyCookieJar()
        )

    async def healthy(self, within_s: float) -> bool:
        """Ask for the server's health; whatever is not 200 in time is none."""
        timeout = aiohttp.ClientTimeout(total=within_s)
        with suppress(*_BROKEN):
            async with self._session.get(self._url + self.server.health, timeout=timeout) as response:
                return response.status == 200
        return False

    async def post(self, body: bytes) -> aiohttp.ClientResponse:
        """Begin a completion; how long its answer takes is for others to bound."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S)
        # A file, not bytes: it is sent in parts, and a body may hold whole pictures.
        return await self._session.post(
            f"{self._url}/v1/chat/completions",
            data=io.BytesIO(body),
            headers=_HEADERS,
            timeout=timeout,
            allow_redirects=False,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()


@dataclass(slots=True)
class _Running:
    """A generation under way; `why` is its ending when it is cut short."""

    sink: Sink
    task: asyncio.Task[Ending]
    why: Ending


class ServerModel:
    """A model behind a server of its own. Its generations end as `Failed` when the server dies or hangs."""

    def __init__(self, spec: ModelSpec, process: ServerProcess, line: _Line, timings: ServerTimings) -> None:
        """Watch a server that is healthy, and speak with it."""
        self._spec = spec
        self._process = process
        self._line = line
        self._timings = timings
        self._running: dict[str, _Running] = {}
        self._alive = True
        self._resident = 0
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._probes_failed = 0
        self._waiting = asyncio.create_task(self._wait_for_end())
        self._watching = asyncio.create_task(again_and_again(self._look, timings.look_s))

    @property
    def group(self) -> int:
        """Return the server's process group."""
        return self._process.group

    @property
    def memory_bytes(self) -> int:
        """Return what the server's processes take, as last measured, and at least what was set aside for them."""
        return max(self._resident, self._spec.memory_bytes)

    @property
    def alive(self) -> bool:
        """Return whether the server can still serve."""
        return self._alive

    def start(self, generation: str, body: str, sink: Sink) -> None:
        """Begin a generation; when the server is dead, it ends at once as `Failed`."""
        if not self._alive:
            sink(_lost())
            return
        if not self._running:
            # Nothing was owed before: silence counts from now.
            self._heard_at = self._loop.time()
        task = self._loop.create_task(self._generate(body, sink))
        self._running[generation] = _Running(sink, task, _lost())
        # Not inside the task: one that is cancelled before its first step would have no ending.
        task.add_done_callback(lambda _: self._finish(generation))

    def cancel(self, generation: str) -> None:
        """Stop a generation by closing its connection, which is how servers learn that nobody waits."""
        running = self._running.get(generation)
        if running is not None:
            running.why = Stopped()
            running.task.cancel()

    async def close(self) -> None:
        """End the server: asked first, then by force."""
        self._alive = False
        self._cut_short()
        self._watching.cancel()
        await asyncio.shield(asyncio.ensure_future(self._close()))

    async def _close(self) -> None:
        await self._process.stop(self._timings.grace_s)
        self._waiting.cancel()
        await asyncio.gather(self._waiting, self._watching, return_exceptions=True)
        await self._line.close()

    def _finish(self, generation: str) -> None:
        running = self._running.pop(generation)
        task, ending = running.task, running.why
        if not task.cancelled():
            error = task.exception()
            ending = task.result() if error is None else _defect(error)
        running.sink(ending)

    def _cut_short(self) -> None:
        for running in self._running.values():
            running.task.cancel()

    async def _generate(self, body: str, sink: Sink) -> Ending:
        try:
            response = await self._line.post(_asked(body, self._line.server.served))
        except _BROKEN as error:
            return _cut_off(error)
        try:
            self._hear()
            if response.status != 200:
                return failure_of_response(response.status, await _read(response, _LONGEST_REFUSAL))
            if response.content_type == "application/json":
                return await self._read_whole(response, sink)
            return await self._read_stream(response, sink)
        except _BROKEN as error:
            return _cut_off(error)
        except (ValueError, KeyError, TypeError, AttributeError, MalformedStream) as error:
            return Failed(
                MalformedStream.code, f"the model's server broke the protocol: {type(error).__name__}", retryable=True
            )
        finally:
            response.close()

    async def _read_whole(self, response: aiohttp.ClientResponse, sink: Sink) -> Finished | Failed:
        reader = ChunkReader()
        for event in reader.feed(await _read(response, _LONGEST_REPLY)):
            sink(event)
        return reader.ending()

    async def _read_stream(self, response: aiohttp.ClientResponse, sink: Sink) -> Finished | Failed:
        events, reader, received = SseReader(), ChunkReader(), 0
        while chunk := await response.content.readany():
            self._hear()
            received += len(chunk)
            if received > _LONGEST_REPLY:
                raise MalformedStream("a reply without end")
            for data in events.feed(chunk):
                if data.strip() == _DONE:
                    return reader.ending()
                for event in reader.feed(data):
                    sink(event)
        for data in events.end():
            if data.strip() != _DONE:
                for event in reader.feed(data):
                    sink(event)
        return reader.ending()

    def _hear(self) -> None:
        self._heard_at = self._loop.time()

    async def _wait_for_end(self) -> None:
        how = await self._process.ended()
        if self._alive:
            said = await self._process.said()
            _log.error("engine.died", model=self._spec.name, how=how, generations=len(self._running), said=said)
        self._alive = False
        self._cut_short()
        self._watching.cancel()

    async def _look(self) -> None:
        self._resident = await asyncio.to_thread(group_bytes, self._process.group)
        await self._process.trim_log()
        if not self._running or self._loop.time() - self._heard_at < self._timings.silence_s:
            self._probes_failed = 0
        elif await self._line.healthy(self._timings.probe_s):
            self._hear()
        else:
            self._probes_failed += 1
            if self._probes_failed == _HANGS_AFTER:
                _log.error("engine.hangs", model=self._spec.name, silent_s=self._timings.silence_s)
                self._alive = False
                await self._process.kill()


def _free_port() -> int:
    with closing(socket.create_server((_LOOPBACK, 0))) as listener:
        return int(listener.getsockname()[1])


def _asked(body: str, served: str) -> bytes:
    request: dict[str, Any] = json.loads(body)
    request |= {"model": served, "stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(request).encode()


async def _read(response: aiohttp.ClientResponse, longest: int) -> bytes:
    """Return a whole body; one that is longer is cut."""
    body = bytearray()
    while len(body) < longest and (chunk := await response.content.readany()):
        body += chunk
    return bytes(body[:longest])


async def _end(process: ServerProcess, line: _Line) -> None:
    await process.kill()
    await line.close()


def _lost() -> Failed:
    return Failed(HostLost.code, _GONE, retryable=True)


def _cut_off(error: BaseException) -> Failed:
    said = f"the server of the model broke off ({type(error).__name__}); ask again"
    return Failed(HostLost.code, said, retryable=True)


def _defect(error: BaseException) -> Failed:
    return Failed(InternalError.code, f"the engine failed: {type(error).__name__}", retryable=True)
