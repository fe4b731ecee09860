"""The engine of each model, by what its specification names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from core.experts import Engine as EngineKind
from core.experts import ModelSpec
from workers.hosting.engine import Engine, EngineModel


class Engines:
    """An engine that gives every model to the engine of its kind."""

    def __init__(self, engines: Mapping[EngineKind, Engine]) -> None:
        """Load with these; each kind that a configuration may name has one."""
        self._engines = dict(engines)

    async def load(self, path: Path | None, spec: ModelSpec, adapters: Sequence[Path] = ()) -> EngineModel:
        """Load a model with the engine that it names."""
        return await self._engines[spec.engine].load(path, spec, adapters)
