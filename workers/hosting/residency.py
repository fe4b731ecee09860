"""Which models are in memory: loads on demand within a budget, unloads the longest idle and what nobody uses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from core.clock import Clock
from core.errors import ConclaveError, Overloaded
from core.experts import ModelSpec
from core.ids import ModelName
from core.scheduling import Resident, evictions
from workers.hosting.engine import Engine, EngineModel
from workers.hosting.gguf import read_shape
from workers.hosting.memory import estimated_bytes

_log = structlog.get_logger(__name__)
_REMEMBER_FAILURE_S = 10.0
_MIB = 1 << 20

Locate = Callable[[ModelSpec], Path]
"""Finds a model's verified file; blocks, and raises a `ConclaveError` when there is none."""


@dataclass(slots=True)
class _Held:
    model: EngineModel
    used_at: float


class Residency:
    """The models of one host. One is in use at a time; the others are warm and may be unloaded."""

    def __init__(self, engine: Engine, locate: Locate, budget_bytes: int, clock: Clock) -> None:
        """Start with nothing in memory."""
        self._engine = engine
        self._locate = locate
        self._budget = budget_bytes
        self._clock = clock
        self._held: dict[ModelName, _Held] = {}
        self._failures: dict[ModelName, tuple[ConclaveError, float]] = {}
        self._in_use: ModelName | None = None
        self._closing: set[asyncio.Future[None]] = set()
        self._changing = asyncio.Lock()
        self._load_s = 0.0

    @property
    def resident(self) -> tuple[ModelName, ...]:
        """Return the models in memory, by name."""
        return tuple(sorted(name for name, held in self._held.items() if held.model.alive))

    @property
    def memory_bytes(self) -> int:
        """Return what the models in memory take."""
        return sum(held.model.memory_bytes for held in self._held.values() if held.model.alive)

    @property
    def load_s(self) -> float:
        """Return how long the last load took, 0 before the first."""
        return self._load_s

    @asynccontextmanager
    async def use(self, spec: ModelSpec) -> AsyncIterator[EngineModel]:
        """Hand out a model, loaded if need be, that stays in memory until the block ends.

        Raises `Overloaded` when it can never fit, and whatever kept it from loading: remembered for 10 seconds, so that
        a broken model costs its callers an answer and the host nothing.
        """
        async with self._changing:
            held = self._held.get(spec.name)
            if held is None or not held.model.alive:
                self._held.pop(spec.name, None)
                held = self._held[spec.name] = _Held(await self._load(spec), self._clock.monotonic())
            self._in_use = spec.name
        try:
            yield held.model
        finally:
            held.used_at = self._clock.monotonic()
            self._in_use = None

    async def unload_idle(self, keep_alive_s: float) -> None:
        """Unload every model that nobody used for `keep_alive_s` seconds."""
        async with self._changing:
            for entry in self._idle():
                if entry.idle_s >= keep_alive_s:
                    await self._unload(entry.model, "keep_alive")

    async def close(self) -> None:
        """Unload everything."""
        async with self._changing:
            for name in list(self._held):
                await self._unload(name, "closing")
        await asyncio.gather(*self._closing)

    async def _load(self, spec: ModelSpec) -> EngineModel:
        failure, at = self._failures.get(spec.name, (None, 0.0))
        if failure is not None and self._clock.monotonic() - at < _REMEMBER_FAILURE_S:
            raise failure
        started = self._clock.monotonic()
        try:
            path = await asyncio.to_thread(self._locate, spec)
            shape = await asyncio.to_thread(read_shape, path, spec.name)
            await self._make_room(spec, estimated_bytes(spec, shape))
            model = await self._engine.load(path, spec)
        except ConclaveError as error:
            self._failures[spec.name] = (error, self._clock.monotonic())
            _log.warning("host.model_failed", model=spec.name, code=error.error_code, reason=error.message)
            raise
        self._failures.pop(spec.name, None)
        self._load_s = self._clock.monotonic() - started
        _log.info("host.model_loaded", model=spec.name, seconds=round(self._load_s, 2), mib=model.memory_bytes // _MIB)
        return model

    async def _make_room(self, spec: ModelSpec, wanted: int) -> None:
        unloaded = evictions(self._idle(), wanted, self._budget)
        if unloaded is None:
            raise Overloaded(
                f"model {spec.name} needs {wanted // _MIB} MiB and this host may use {self._budget // _MIB} MiB; "
                "raise hosting.memory, or lower its context or slots"
            )
        for name in unloaded:
            await self._unload(name, "room")

    def _idle(self) -> list[Resident]:
        now = self._clock.monotonic()
        return [
            Resident(name, held.model.memory_bytes, now - held.used_at)
            for name, held in self._held.items()
            if name != self._in_use
        ]

    async def _unload(self, name: ModelName, why: str) -> None:
        held = self._held.pop(name)
        closing = asyncio.ensure_future(held.model.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        # Who unloads may be cancelled meanwhile; the engine ends all the same.
        await asyncio.shield(closing)
        _log.info("host.model_unloaded", model=name, why=why)
