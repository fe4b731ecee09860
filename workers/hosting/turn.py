"""One turn: a host serves the mailbox of one model, several requests at once, until it is empty or others must be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog

from core.clock import Clock
from core.errors import ConclaveError, HostLost, origin_of
from core.experts import ModelSpec
from core.hosting import Claim, Grant, Terms
from core.ids import RequestId
from core.ports import Mailbox
from workers.hosting.engine import EngineModel, Failed
from workers.hosting.flight import Flight
from workers.hosting.frames import error_frame
from workers.hosting.tally import Tally

_log = structlog.get_logger(__name__)
# How soon a request that comes while others are decoded gets a free slot. A look at an empty mailbox costs 40 us.
_LOOK_S = 0.025
_BUSY_S = 1.0
# A caller who leaves frees a slot within a second, however long leases are.
_RENEW_S = 0.5
_STOP_S = 3.0
_REFUSED_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class TurnRules:
    """How a turn is served. `terms` are asked for at every claim, given the work done and the seconds it took so far.

    `alive` is called at every sign of life.
    """

    lease_s: float
    terms: Callable[[int, float], Terms]
    alive: Callable[[], None]


class Turn:
    """Serves one model's mailbox for the length of a grant."""

    def __init__(
        self, grant: Grant, spec: ModelSpec, *, mailbox: Mailbox, clock: Clock, tally: Tally, rules: TurnRules
    ) -> None:
        """Prepare to serve what is granted."""
        self._grant = grant
        self._spec = spec
        self._mailbox = mailbox
        self._clock = clock
        self._tally = tally
        self._rules = rules
        self._closing = False
        self._flights: dict[RequestId, tuple[Flight, asyncio.Task[None]]] = {}
        self._done_work = 0
        self.requests = 0
        """How many requests it claimed."""
        self.first_claim: float | None = None
        """When it claimed its first request, on the host's monotonic clock; so is `last_claim`."""
        self.last_claim: float | None = None

    @property
    def busy(self) -> int:
        """Return how many slots are in use."""
        return len(self._flights)

    @property
    def work(self) -> int:
        """Return the work done so far, as `core.hosting.work_of` counts it."""
        return self._done_work + sum(flight.work for flight, _ in self._flights.values())

    @property
    def served_s(self) -> float:
        """Return the seconds since its first claim."""
        return 0.0 if self.first_claim is None else self._clock.monotonic() - self.first_claim

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Keep the grant and all leases while the block runs, a load included; the turn ends with it."""
        renewing = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            renewing.cancel()
            flying = [task for _, task in self._flights.values()]
            for task in flying:
                task.cancel()
            if flying:
                # The next turn of this engine is to find its slots free.
                await asyncio.wait(flying, timeout=_STOP_S)
            await self._release()

    async def serve(self, model: EngineModel) -> None:
        """Serve until the mailbox is empty or the turn is over, and everything in flight has ended."""
        while True:
            taking = await self._claim(model)
            if not self._flights:
                return
            await self._wait(_LOOK_S if taking else _BUSY_S)

    async def refuse(self, failure: Failed) -> None:
        """Answer everything that waits for a model that cannot be served."""
        while not self._closing:
            claims = await self._mailbox.claim(self._grant, _REFUSED_AT_ONCE, self._rules.lease_s)
            for claim in claims.taken:
                await self._mailbox.push(claim, [error_frame(1, failure)])
            if claims.over or not claims.taken:
                return

    async def drain(self, grace_s: float) -> None:
        """Claim no more, let what is in flight end within `grace_s` seconds, and give the rest back.

        What was partly shown cannot be done again by another host: it ends with a retryable error.
        """
        self._closing = True
        tasks = [task for _, task in self._flights.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        left = [flight for flight, task in self._flights.values() if not task.done()]
        for flight in left:
            flight.stop()
        if left:
            await asyncio.wait(tasks, timeout=_STOP_S)
        await self._mailbox.hand_back([flight.claim for flight in left if not flight.shown])
        for flight in left:
            if flight.shown:
                await flight.fail(Failed(HostLost.code, "the host is shutting down; ask again", retryable=True))

    async def _claim(self, model: EngineModel) -> bool:
        """Fill free slots; return whether more could still be taken."""
        free = self._spec.slots - len(self._flights)
        if free == 0 or self._is_closing() or not model.alive:
            return False
        terms = self._rules.terms(self.work, self.served_s)
        try:
            claims = await self._mailbox.claim(self._grant, free, self._rules.lease_s, terms)
        except ConclaveError as error:
            # What is in flight goes on: its leases say how long the mailbox may stay away.
            _log.warning("host.not_claimed", model=self._spec.name, code=error.error_code, reason=error.message)
            return False
        if self._is_closing():
            # Told to end meanwhile: nobody would wait for these.
            await self._mailbox.hand_back(claims.taken)
            return False
        self._closing = claims.over
        for claim in claims.taken:
            self._take(claim, model)
        return len(claims.taken) < free and not claims.over

    def _is_closing(self) -> bool:
        return self._closing

    def _take(self, claim: Claim, model: EngineModel) -> None:
        self.last_claim = self._clock.monotonic()
        if self.first_claim is None:
            self.first_claim = self.last_claim
        self.requests += 1
        self._tally.claimed(claim.waited_s)
        flight = Flight(claim, model, self._mailbox, self._rules.alive)
        self._flights[claim.request.id] = (flight, asyncio.create_task(flight.run()))

    async def _wait(self, timeout_s: float) -> None:
        tasks = [task for _, task in self._flights.values()]
        await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        for request, (flight, task) in list(self._flights.items()):
            if task.done():
                del self._flights[request]
                self._land(request, flight, task)

    def _land(self, request: RequestId, flight: Flight, task: asyncio.Task[None]) -> None:
        self._done_work += flight.work
        if flight.ending is not None:
            self._tally.finished(flight.ending)
        if (error := task.exception()) is not None:
            _log.error("host.request_failed", request=request, error=type(error).__name__, where=origin_of(error))

    async def _renew(self) -> None:
        """Keep the leases, and stop what the mailbox says to stop, or everything when it cannot be asked in time."""
        renewed_at = self._clock.monotonic()
        while True:
            await asyncio.sleep(min(self._rules.lease_s / 3, _RENEW_S))
            claims = [flight.claim for flight, _ in self._flights.values()]
            stop = await self._lost(claims)
            if stop is not None:
                renewed_at = self._clock.monotonic()
            elif self._clock.monotonic() - renewed_at > self._rules.lease_s:
                stop = frozenset(claim.request.id for claim in claims)
            for request in stop or ():
                if request in self._flights:
                    self._flights[request][0].stop()

    async def _lost(self, claims: list[Claim]) -> frozenset[RequestId] | None:
        try:
            renewal = await self._mailbox.renew(self._grant, claims, self._rules.lease_s)
        except ConclaveError as error:
            _log.warning("host.leases_not_renewed", reason=error.message)
            return None
        if not renewal.stands and not self._closing:
            self._closing = True
            _log.warning("host.grant_lost", model=self._spec.name, fence=self._grant.fence)
        return renewal.stop

    async def _release(self) -> None:
        try:
            await self._mailbox.release(self._grant)
        except ConclaveError as error:
            # It lapses by itself, a lease later.
            _log.warning("host.grant_not_released", model=self._spec.name, reason=error.message)
