"""An engine process: one GGUF model on llama.cpp, served over pipes.

The model lives in a process of its own because loading holds the interpreter's lock for as long as it takes (measured:
3.4 s for 1.1 GB), because a crash of native code must not take the host along, and because ending a process gives all
of its memory back. The process ends when its standard input does.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from core.errors import InternalError, InvalidRequest
from workers.hosting.chunks import ChunkReader
from workers.hosting.engine import Ending, Failed, Stopped
from workers.hosting.memory import resident_bytes
from workers.hosting.wire import Cancel, Line, Loaded, Start, Unloadable, decode, encode

# A caller who leaves is noticed between batches of prompt tokens: measured 12 s late at 2,048 and 1.2 s at 128.
_BATCH = 64
_SILENT = -1


@dataclass(frozen=True, slots=True)
class LlamaOptions:
    """What to load: tokens of context a request may use, how many requests are decoded together, files of adapters."""

    path: str
    context: int
    slots: int
    adapters: tuple[str, ...] = ()


class LlamaProcess:
    """Serves generations in one thread a slot; llama.cpp decodes them together."""

    def __init__(self, server: Any, options: LlamaOptions, say: Callable[[str, Line], None]) -> None:
        """Serve with a `server` that loaded what `options` say."""
        self._server = server
        self._adapters = len(options.adapters)
        self._say = say
        self._threads = ThreadPoolExecutor(options.slots, "slot")
        self._cancelled: set[str] = set()

    def take(self, generation: str, line: Line) -> None:
        """Do what the host asks."""
        if isinstance(line, Start):
            self._cancelled.discard(generation)
            self._threads.submit(self._generate, generation, line.body)
        elif isinstance(line, Cancel):
            self._cancelled.add(generation)

    def _generate(self, generation: str, body: str) -> None:
        reader = ChunkReader()

        def heard(chunk: str) -> bool:
            if generation not in self._cancelled:
                for event in reader.feed(chunk):
                    self._say(generation, event)
            return generation in self._cancelled

        ending: Ending
        try:
            self._server.handle_chat_completions(_streaming(body, self._adapters), heard)
            ending = Stopped() if generation in self._cancelled else reader.ending()
        except ValueError as error:
            ending = Failed(InvalidRequest.code, f"the engine refused the request: {error}"[:300], retryable=False)
        except Exception as error:  # noqa: BLE001  # whatever native code raises ends one generation, not the host
            ending = Failed(InternalError.code, f"the engine failed: {type(error).__name__}", retryable=True)
        self._cancelled.discard(generation)
        self._say(generation, ending)


def load(options: LlamaOptions) -> Any:
    """Return a llama.cpp server that nobody but this process can reach; raises `RuntimeError` when it cannot load."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = options.path
    # The engine shares the context between its slots.
    params.n_ctx = options.context * options.slots
    params.n_parallel = options.slots
    params.n_batch = params.n_ubatch = _BATCH
    params.cache_ram_mib = 0
    # Read into memory once: mapping keeps a second copy of the repacked weights (measured: 2.0 against 1.4 GB).
    params.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_NONE
    params.lora_adapters = [_off(path) for path in options.adapters]
    params.warmup = False
    params.verbosity = _SILENT
    params.ui = params.endpoint_slots = params.endpoint_metrics = params.endpoint_props = False
    params.n_threads_http = 1
    with tempfile.TemporaryDirectory(prefix="conclave-engine-") as folder:
        # The engine insists on listening: on a socket in a private folder that is gone a moment later, behind a key
        # nobody knows.
        params.hostnames = [str(Path(folder) / "engine.sock")]
        params.api_keys = [secrets.token_hex(32)]
        return xllamacpp.Server(params)


def _off(path: str) -> Any:
    """Return an adapter that a request has to choose: what is loaded with a scale is applied to all that do not."""
    import xllamacpp

    adapter = xllamacpp.CommonAdapterLoraInfo()
    adapter.path, adapter.scale = path, 0.0
    return adapter


def main(argument: str) -> int:
    """Load the model that `argument` describes as JSON, serve until standard input ends, return the exit code."""
    options = LlamaOptions(**json.loads(argument))
    lock, out = Lock(), _own_output()

    def say(generation: str, line: Line) -> None:
        with lock:
            out.write(encode(generation, line))
            out.flush()

    try:
        server = load(options)
    except RuntimeError:
        say("", Unloadable("llama.cpp cannot load it: damaged, truncated or of an unknown kind"))
        return 1
    _ignore_signals()
    say("", Loaded(resident_bytes(os.getpid())))
    process = LlamaProcess(server, options, say)
    for line in sys.stdin.buffer:
        process.take(*decode(line))
    return 0


def _own_output() -> BinaryIO:
    """Keep standard output for ourselves: whatever native code prints goes to standard error."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


def _streaming(body: str, adapters: int) -> str:
    request = json.loads(body)
    request |= {
        "stream": True,
        "stream_options": {"include_usage": True},
        # Progress is what makes a generation cancellable before its first token: the engine asks only when it speaks.
        "return_progress": True,
        # What a slot remembers of a prompt was computed with the adapter of its last request, and is used for another
        # one all the same (measured: without an adapter it went on as with it).
        "cache_prompt": adapters == 0,
    }
    return json.dumps(request)


def _ignore_signals() -> None:
    """Leave ending to the host: loading installs handlers that would stop the engine under running generations."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


if __name__ == "__main__":
    _ignore_signals()
    code = main(sys.argv[1])
    # Native threads may be at work: nothing is worth waiting for.
    os._exit(code)
