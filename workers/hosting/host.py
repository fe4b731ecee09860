"""A host: takes turns for the models it may serve, keeps them in memory while they are wanted, and says how it is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import structlog

from core.clock import Clock
from core.errors import ConclaveError
from core.experts import ModelSpec
from core.hosting import Backlog, HostState
from core.ids import HostId, ModelName
from core.ports import HostDirectory, Mailbox
from core.scheduling import Turns, Waiting, next_model
from wiring.chores import again_and_again
from workers.hosting.engine import EngineModel, Failed
from workers.hosting.frames import error_frame
from workers.hosting.memory import resident_bytes
from workers.hosting.residency import Residency
from workers.hosting.turn import Turn

_log = structlog.get_logger(__name__)
_BEAT_S = 1.0
_FORGOTTEN_S = 4.0
_TIDY_S = 1.0
# A doorbell may be lost with the broker: an idle host looks for itself.
_LOOK_S = 2.0
_SHORTEST_SWITCH_S = 0.5
_REFUSED_AT_ONCE = 64
_POLICY = Turns()


@dataclass(frozen=True, slots=True)
class HostOptions:
    """How a host works. `turn` is in switch times; `grace_s` is what a draining host gives to what is in flight."""

    id: HostId
    queue: str
    memory_bytes: int
    lease_s: float = 3.0
    keep_alive_s: float = 600.0
    turn: float = 8.0
    grace_s: float = 10.0


class Host:
    """Serves models. Everything runs in the event loop that started it; engines work in processes of their own."""

    def __init__(
        self,
        options: HostOptions,
        *,
        models: Mapping[ModelName, ModelSpec],
        mailbox: Mailbox,
        directory: HostDirectory,
        residency: Residency,
        clock: Clock,
    ) -> None:
        """Prepare to serve `models`; nothing is loaded before somebody asks for it."""
        self._options = options
        self._models = dict(models)
        self._mailbox = mailbox
        self._directory = directory
        self._residency = residency
        self._clock = clock
        self._turns = asyncio.Lock()
        self._serving: ModelName | None = None
        self._turn: Turn | None = None
        self._turn_ends: dict[ModelName, float] = {}
        self._draining = False
        self._taking: asyncio.Task[None] | None = None
        self._alive_at = clock.monotonic()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to beat, to unload what nobody uses, and to look for work whose doorbell was lost."""
        self._tasks = [
            asyncio.create_task(again_and_again(work, every_s))
            for work, every_s in ((self._beat, _BEAT_S), (self._tidy, _TIDY_S), (self.take_turns, _LOOK_S))
        ]

    async def take_turns(self) -> None:
        """Serve the model that waits longest for a turn, then the next, until nothing waits that this host may serve.

        A call while turns are taken waits for them and then looks once more, so no ring is in vain.
        """
        async with self._turns:
            self._taking = asyncio.current_task()
            while not self._draining:
                waiting = [self._waiting(entry) for entry in await self._mailbox.backlog() if self._can_serve(entry)]
                model = next_model(waiting, _POLICY)
                if model is None:
                    return
                await self._serve(self._models[model])

    async def drain(self) -> None:
        """Claim no more, end or hand back what is in flight, leave the directory and free all memory."""
        self._draining = True
        if self._turn is not None:
            with suppress(ConclaveError):
                await self._turn.drain(self._options.grace_s)
        await self._until_idle()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(ConclaveError):
            await self._directory.leave(self._options.id)
        await self._residency.close()

    async def state(self) -> HostState:
        """Return what the host says of itself now."""
        own = await asyncio.to_thread(resident_bytes, os.getpid())
        return HostState(
            id=self._options.id,
            queue=self._options.queue,
            memory_budget=self._options.memory_bytes,
            memory_used=own + self._residency.memory_bytes,
            resident=self._residency.resident,
            serving=self._serving,
            slots_busy=self._turn.busy if self._turn is not None else 0,
            progress_s=self._clock.monotonic() - self._alive_at if self._serving is not None else 0.0,
            models=frozenset(self._models),
            draining=self._draining,
        )

    async def _serve(self, spec: ModelSpec) -> None:
        self._serving = spec.name
        self._is_alive()
        try:
            async with AsyncExitStack() as stack:
                try:
                    model = await stack.enter_async_context(self._residency.use(spec))
                except ConclaveError as error:
                    await self._refuse(spec, error)
                else:
                    self._turn = self._begin(spec, model)
                    await self._turn.run()
        finally:
            self._turn = self._serving = None
            self._turn_ends[spec.name] = self._clock.monotonic()

    def _begin(self, spec: ModelSpec, model: EngineModel) -> Turn:
        began = self._clock.monotonic()
        quantum_s = self._options.turn * max(self._residency.load_s, _SHORTEST_SWITCH_S)

        async def may_claim() -> bool:
            served_s = self._clock.monotonic() - began
            if self._draining or served_s < quantum_s:
                return not self._draining
            return not any(
                self._can_serve(entry) and entry.model != spec.name for entry in await self._mailbox.backlog()
            )

        return Turn(
            spec,
            model,
            mailbox=self._mailbox,
            host=self._options.id,
            clock=self._clock,
            lease_s=self._options.lease_s,
            may_claim=may_claim,
            alive=self._is_alive,
        )

    async def _refuse(self, spec: ModelSpec, error: ConclaveError) -> None:
        """Answer everything that waits for a model that cannot be served."""
        failure = Failed(error.error_code, error.message, error.retryable)
        while claims := await self._mailbox.claim(spec.name, self._options.id, _REFUSED_AT_ONCE, self._options.lease_s):
            for claim in claims:
                await self._mailbox.push(claim, [error_frame(1, failure)])

    def _can_serve(self, entry: Backlog) -> bool:
        return entry.waiting > 0 and entry.model in self._models

    def _waiting(self, entry: Backlog) -> Waiting:
        head = self._clock.monotonic() - entry.oldest_s
        return Waiting(entry.model, since=max(head, self._turn_ends.get(entry.model, head)), head=head)

    def _is_alive(self) -> None:
        self._alive_at = self._clock.monotonic()

    async def _beat(self) -> None:
        await self._directory.beat(await self.state(), _FORGOTTEN_S)

    async def _tidy(self) -> None:
        # Behind a model that loads this waits, but nothing waits for this: the beat is a task of its own.
        await self._residency.unload_idle(self._options.keep_alive_s)

    async def _until_idle(self) -> None:
        """Wait for the turn to end; what still loads after that is not wanted any more."""
        try:
            async with asyncio.timeout(_LOOK_S), self._turns:
                pass
        except TimeoutError:
            if self._taking is not None:
                self._taking.cancel()
                # Cancelled once and waited for: a second time would cut the ending of its engine short.
                await asyncio.wait([self._taking], timeout=_LOOK_S)
