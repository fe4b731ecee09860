"""Which models are in memory: loads on demand and ahead within a budget, unloads what is worth least or idle."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from core.clock import Clock
from core.errors import ConclaveError, Overloaded
from core.experts import ModelSpec
from core.hosting import Phase, Residence
from core.ids import ModelName
from core.scheduling import Resident, evictions
from workers.hosting.engine import Engine, EngineModel
from workers.hosting.failures import Failures
from workers.hosting.preparing import Locate, Prepared, prepare
from workers.hosting.tally import Tally

_log = structlog.get_logger(__name__)
_MIB = 1 << 20


@dataclass(slots=True)
class _Held:
    model: EngineModel
    spec: ModelSpec
    used_at: float
    load_s: float
    ahead: bool = False
    unwanted: bool = False

    @property
    def memory_bytes(self) -> int:
        """What it takes, or what the configuration sets aside for it if that is more."""
        return max(self.model.memory_bytes, self.spec.memory_bytes)


class Residency:
    """The models of one host. One is in use at a time; the others are warm and may be unloaded."""

    def __init__(
        self, engine: Engine, locate: Locate, budget_bytes: int, clock: Clock, tally: Tally, rng: random.Random
    ) -> None:
        """Start with nothing in memory. `rng` spreads the tries to load what failed."""
        self._engine = engine
        self._locate = locate
        self._budget = budget_bytes
        self._clock = clock
        self._tally = tally
        self._held: dict[ModelName, _Held] = {}
        self._failures = Failures(rng)
        self._in_use: ModelName | None = None
        self._loading: ModelName | None = None
        self._pinned: set[ModelName] = set()
        self._load_s: dict[ModelName, float] = {}
        self._closing: set[asyncio.Future[None]] = set()
        self._changing = asyncio.Lock()
        self.wanted: frozenset[ModelName] = frozenset()
        """For which models requests wait, as far as the host knows: what is wanted is unloaded last."""

    @property
    def resident(self) -> tuple[ModelName, ...]:
        """Return the models in memory, by name."""
        return tuple(sorted(name for name, held in self._held.items() if held.model.alive))

    @property
    def memory_bytes(self) -> int:
        """Return what the models in memory take."""
        return sum(held.model.memory_bytes for held in self._held.values() if held.model.alive)

    def load_s(self, model: ModelName) -> float | None:
        """Return how long the last load of a model took, or nothing before the first."""
        return self._load_s.get(model)

    def blocked(self, model: ModelName) -> ConclaveError | None:
        """Return why a model is not tried again yet, or nothing when it may be loaded."""
        return self._failures.blocked(model, self._clock.monotonic())

    def residences(self) -> tuple[Residence, ...]:
        """Return what is in memory, on its way there, and what failed, by name."""
        now = self._clock.monotonic()
        told = {
            model: Residence(model, Phase.FAILED, reason=reason) for model, reason in self._failures.reasons().items()
        }
        for name, held in self._held.items():
            if held.model.alive:
                idle_s = 0.0 if name == self._in_use else round(now - held.used_at, 1)
                took = round(held.load_s, 3)
                pinned = name in self._pinned
                told[name] = Residence(name, Phase.READY, held.model.memory_bytes, took, idle_s=idle_s, pinned=pinned)
        if self._loading is not None:
            told[self._loading] = Residence(self._loading, Phase.LOADING, pinned=self._loading in self._pinned)
        return tuple(told[name] for name in sorted(told))

    @asynccontextmanager
    async def use(self, spec: ModelSpec) -> AsyncIterator[EngineModel]:
        """Hand out a model, loaded if need be, that stays in memory until the block ends.

        Raises `Overloaded` when it can never fit, and whatever kept it from loading: remembered for a while, so that
        a broken model costs its callers an answer and the host nothing.
        """
        async with self._changing:
            held = await self._ready(spec)
            self._in_use = spec.name
        if held.ahead:
            held.ahead = False
            self._tally.ahead_used += 1
        try:
            yield held.model
        finally:
            held.used_at = self._clock.monotonic()
            self._in_use = None
            if held.unwanted:
                await self.unload(spec.name)

    async def load(self, spec: ModelSpec) -> None:
        """Load a model now, making room by what is worth least; raises as `use` does."""
        async with self._changing:
            held = await self._ready(spec)
            # It may be in use, and an earlier order have said to unload it after its turn.
            held.unwanted = False

    async def load_ahead(self, spec: ModelSpec) -> None:
        """Load a model that has the next turn while another has this one, unless that would unload what is wanted."""
        if self._changing.locked():
            return
        async with self._changing:
            if spec.name in self._held or self.blocked(spec.name) is not None:
                return
            try:
                prepared = await prepare(spec, self._locate)
            except ConclaveError as error:
                raise self._failed(spec, error) from None
            unloaded = evictions(self._residents(keep=self.wanted), prepared.wanted_bytes, self._budget)
            if unloaded is None:
                return
            for name in unloaded:
                await self._unload(name, "room")
            self._held[spec.name] = await self._loaded(spec, prepared)
            self._held[spec.name].ahead = True
            self._tally.ahead += 1

    async def pin(self, spec: ModelSpec) -> None:
        """Load a model and keep it, whatever else is wanted."""
        self._pinned.add(spec.name)
        await self.load(spec)

    def unpin(self, model: ModelName) -> None:
        """Let a model go like any other."""
        self._pinned.discard(model)

    async def unload(self, model: ModelName) -> None:
        """Unload a model, when its turn is over if it has one; it may be loaded again."""
        self._pinned.discard(model)
        async with self._changing:
            held = self._held.get(model)
            if held is None:
                return
            held.unwanted = True
            if model != self._in_use:
                await self._unload(model, "asked")

    async def unload_idle(self, keep_alive_s: float) -> None:
        """Unload every model that nobody used for `keep_alive_s` seconds, and let go of those whose engine died."""
        async with self._changing:
            for name in [name for name, held in self._held.items() if not held.model.alive and name != self._in_use]:
                await self._unload(name, "died")
            for entry in self._residents():
                if entry.idle_s >= keep_alive_s and not entry.kept:
                    await self._unload(entry.model, "keep_alive")

    async def close(self) -> None:
        """Unload everything."""
        async with self._changing:
            for name in list(self._held):
                await self._unload(name, "closing")
        await asyncio.gather(*self._closing)

    async def _ready(self, spec: ModelSpec) -> _Held:
        held = self._held.get(spec.name)
        if held is not None and held.model.alive:
            return held
        if held is not None:
            await self._unload(spec.name, "died")
        if error := self.blocked(spec.name):
            raise error
        try:
            prepared = await prepare(spec, self._locate)
            await self._make_room(spec, prepared.wanted_bytes)
        except ConclaveError as error:
            raise self._failed(spec, error) from None
        held = self._held[spec.name] = await self._loaded(spec, prepared)
        return held

    async def _loaded(self, spec: ModelSpec, prepared: Prepared) -> _Held:
        started = self._clock.monotonic()
        self._loading = spec.name
        try:
            model = await self._engine.load(prepared.path, spec, prepared.adapters)
        except ConclaveError as error:
            raise self._failed(spec, error) from None
        finally:
            self._loading = None
        now = self._clock.monotonic()
        self._failures.succeeded(spec.name)
        self._load_s[spec.name] = now - started
        self._tally.loads += 1
        self._tally.load_seconds += now - started
        _log.info("host.model_loaded", model=spec.name, seconds=round(now - started, 2), mib=model.memory_bytes // _MIB)
        return _Held(model, spec, now, now - started)

    def _failed(self, spec: ModelSpec, error: ConclaveError) -> ConclaveError:
        pause_s = self._failures.failed(spec.name, error, self._clock.monotonic())
        self._tally.load_failures += 1
        again = round(pause_s, 1)
        _log.warning(
            "host.model_failed", model=spec.name, code=error.error_code, reason=error.message, again_after_s=again
        )
        return error

    async def _make_room(self, spec: ModelSpec, wanted_bytes: int) -> None:
        unloaded = evictions(self._residents(), wanted_bytes, self._budget)
        if unloaded is None:
            pins = ", unpin another model" if self._pinned - {spec.name} else ""
            raise Overloaded(
                f"model {spec.name} needs {wanted_bytes // _MIB} MiB and this host may use {self._budget // _MIB} MiB; "
                f"raise hosting.memory{pins}, or lower its context or slots"
            )
        for name in unloaded:
            await self._unload(name, "room")

    def _residents(self, keep: frozenset[ModelName] = frozenset()) -> list[Resident]:
        now = self._clock.monotonic()
        return [
            Resident(
                name,
                held.memory_bytes,
                now - held.used_at,
                held.load_s,
                wanted=name in self.wanted,
                kept=name == self._in_use or name in self._pinned or name in keep,
            )
            for name, held in self._held.items()
            if held.model.alive
        ]

    async def _unload(self, name: ModelName, why: str) -> None:
        held = self._held.pop(name)
        self._tally.evictions += why == "room"
        self._tally.ahead_wasted += held.ahead
        closing = asyncio.ensure_future(held.model.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        # Who unloads may be cancelled meanwhile; the engine ends all the same.
        await asyncio.shield(closing)
        _log.info("host.model_unloaded", model=name, why=why)
