"""What is settled before a model is loaded: where its file is, and how much memory it will take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import MissingArtefact
from core.experts import ModelSpec
from workers.hosting.commands import lacking
from workers.hosting.gguf import read_shape
from workers.hosting.memory import estimated_bytes

Locate = Callable[[ModelSpec], Path]
"""Finds a model's verified file; blocks, and raises a `ConclaveError` when there is none."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A model that can be loaded: its file or folder, when it has one, and the bytes that loading will take.

    `adapters` are the files of its adapters, in the model's order.
    """

    path: Path | None
    wanted_bytes: int
    adapters: tuple[Path, ...] = ()


async def prepare(spec: ModelSpec, locate: Locate) -> Prepared:
    """Return what loading needs; raises a `ConclaveError` when the model's file, weights or program are not there."""
    if spec.server is not None:
        if reason := await asyncio.to_thread(lacking, spec.server):
            raise MissingArtefact(f"model {spec.name}: {reason}")
        return Prepared(Path(spec.server.path) if spec.server.path is not None else None, spec.memory_bytes)
    path = await asyncio.to_thread(locate, spec)
    shape = await asyncio.to_thread(read_shape, path, spec.name)
    adapters = [await asyncio.to_thread(locate, spec.adapter_file(adapter)) for adapter in spec.adapters]
    size = sum([(await asyncio.to_thread(adapter.stat)).st_size for adapter in adapters])
    return Prepared(path, estimated_bytes(spec, shape) + size, tuple(adapters))
