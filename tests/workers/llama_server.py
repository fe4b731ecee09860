"""A model server as a program of somebody else: llama.cpp's own OpenAI-compatible HTTP server over one GGUF file."""

from __future__ import annotations

import argparse
import os
import signal

# Threads that spin while they wait bring a busy machine of two cores to a halt; read when the library is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

import xllamacpp


def main() -> None:
    """Serve until SIGTERM."""
    options = argparse.ArgumentParser()
    options.add_argument("path")
    for name in ("--port", "--context", "--slots"):
        options.add_argument(name, type=int, required=True)
    chosen = options.parse_args()
    params = xllamacpp.CommonParams()
    params.model.path = chosen.path
    params.n_ctx, params.n_parallel = chosen.context * chosen.slots, chosen.slots
    params.n_batch = params.n_ubatch = 64
    params.cache_ram_mib = 0
    params.warmup = params.ui = False
    params.hostnames, params.port = ["127.0.0.1"], chosen.port
    server = xllamacpp.Server(params)
    print(f"listening on {server.listening_address}", flush=True)  # noqa: T201  # what its log shows
    # Loading installs handlers of its own that would keep the program alive.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pause()


if __name__ == "__main__":
    main()
