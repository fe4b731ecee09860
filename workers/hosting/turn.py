"""One turn: a loaded model serves its mailbox, several requests at once, until it is empty or others must be served."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from core.clock import Clock
from core.errors import ConclaveError, HostLost, origin_of
from core.experts import ModelSpec
from core.hosting import Claim
from core.ids import HostId, RequestId
from core.ports import Mailbox
from workers.hosting.engine import EngineModel, Failed
from workers.hosting.flight import Flight

_log = structlog.get_logger(__name__)
# How soon a request that comes while others are decoded gets a free slot. A look at an empty mailbox costs 40 us.
_LOOK_S = 0.025
_BUSY_S = 1.0
# A caller who leaves frees a slot within a second, however long leases are.
_RENEW_S = 0.5
_STOP_S = 3.0


class Turn:
    """Serves one model's mailbox with one loaded model."""

    def __init__(
        self,
        spec: ModelSpec,
        model: EngineModel,
        *,
        mailbox: Mailbox,
        host: HostId,
        clock: Clock,
        lease_s: float,
        may_claim: Callable[[], Awaitable[bool]],
        alive: Callable[[], None],
    ) -> None:
        """Prepare; `may_claim` says whether more may be taken, `alive` is called at every sign of life."""
        self._spec = spec
        self._model = model
        self._mailbox = mailbox
        self._host = host
        self._clock = clock
        self._lease_s = lease_s
        self._may_claim = may_claim
        self._alive = alive
        self._closing = False
        self._flights: dict[RequestId, tuple[Flight, asyncio.Task[None]]] = {}

    @property
    def busy(self) -> int:
        """Return how many slots are in use."""
        return len(self._flights)

    async def run(self) -> None:
        """Serve until the mailbox is empty and everything in flight has ended."""
        renewing = asyncio.create_task(self._renew())
        try:
            while True:
                taking = await self._claim()
                if not self._flights:
                    return
                await self._wait(_LOOK_S if taking else _BUSY_S)
        finally:
            renewing.cancel()
            for _, task in self._flights.values():
                task.cancel()

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

    async def _claim(self) -> bool:
        """Fill free slots; return whether more could still be taken."""
        free = self._spec.slots - len(self._flights)
        if free == 0 or self._closing or not self._model.alive:
            return False
        try:
            if not await self._may_claim():
                self._closing = True
                return False
            claims = await self._mailbox.claim(self._spec.name, self._host, free, self._lease_s)
        except ConclaveError as error:
            # What is in flight goes on: its leases say how long the mailbox may stay away.
            _log.warning("host.not_claimed", model=self._spec.name, code=error.error_code, reason=error.message)
            return False
        for claim in claims:
            flight = Flight(claim, self._model, self._mailbox, self._alive)
            self._flights[claim.request.id] = (flight, asyncio.create_task(flight.run()))
        return len(claims) < free

    async def _wait(self, timeout_s: float) -> None:
        tasks = [task for _, task in self._flights.values()]
        await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        for request, (_, task) in list(self._flights.items()):
            if task.done():
                del self._flights[request]
                if (error := task.exception()) is not None:
                    where = origin_of(error)
                    _log.error("host.request_failed", request=request, error=type(error).__name__, where=where)

    async def _renew(self) -> None:
        """Keep the leases, and stop what the mailbox says to stop, or everything when it cannot be asked in time."""
        renewed_at = self._clock.monotonic()
        while True:
            await asyncio.sleep(min(self._lease_s / 3, _RENEW_S))
            claims = [flight.claim for flight, _ in self._flights.values()]
            stop = await self._lost(claims)
            if stop is not None:
                renewed_at = self._clock.monotonic()
            elif self._clock.monotonic() - renewed_at > self._lease_s:
                stop = frozenset(claim.request.id for claim in claims)
            for request in stop or ():
                if request in self._flights:
                    self._flights[request][0].stop()

    async def _lost(self, claims: list[Claim]) -> frozenset[RequestId] | None:
        if not claims:
            return frozenset()
        try:
            return await self._mailbox.renew(self._host, claims, self._lease_s)
        except ConclaveError as error:
            _log.warning("host.leases_not_renewed", reason=error.message)
            return None
