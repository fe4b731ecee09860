"""The supervisor: starts parts stage by stage, restarts what ends, and stops everything in reverse order."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

import structlog

from core.clock import Clock
from core.errors import ConclaveError, ConfigurationError, Unavailable
from wiring.supervision.parts import Part

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """At most `budget` restarts of one part within `window_s`; waits double from `first_s` to `longest_s`, jittered."""

    budget: int = 6
    window_s: float = 120.0
    first_s: float = 0.2
    longest_s: float = 10.0

    def wait_s(self, recent: int, rng: random.Random) -> float:
        """Return how long to wait before the restart after `recent` others; jitter keeps parts from moving in step."""
        longest = min(self.longest_s, self.first_s * 2**recent)
        return rng.uniform(longest / 2, longest)


class Supervisor:
    """Keeps parts running until told to stop, or until one cannot be kept running."""

    def __init__(self, clock: Clock, rng: random.Random, policy: RestartPolicy | None = None) -> None:
        """Begin with nothing running."""
        self._clock = clock
        self._rng = rng
        self._policy = policy or RestartPolicy()
        self._started: list[Part] = []
        self._watchers: dict[str, asyncio.Task[None]] = {}

    async def start(self, *stage: Part) -> None:
        """Start the parts of a stage together and return when all are ready; raises what the first failure says."""
        self._started += stage
        starting = [asyncio.create_task(self._start(part), name=f"start-{part.name}") for part in stage]
        try:
            # The first failure ends the wait: the others would only delay what the operator has to read.
            for done in asyncio.as_completed(starting):
                await done
        finally:
            for task in starting:
                task.cancel()
            await asyncio.gather(*starting, return_exceptions=True)

    async def watch(self, stop: asyncio.Event) -> None:
        """Return when `stop` is set; raises when a part's restart budget is used up."""
        asked = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait({asked, *self._watchers.values()}, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {asked}:
                task.result()
        finally:
            asked.cancel()

    async def stop(self) -> None:
        """Stop every part, the last started first; a part that fails to stop does not keep the others running."""
        for watcher in self._watchers.values():
            watcher.cancel()
        await asyncio.gather(*self._watchers.values(), return_exceptions=True)
        self._watchers.clear()
        while self._started:
            part = self._started.pop()
            with suppress(ConclaveError, OSError):
                await part.stop()
            _log.info("part.stopped", part=part.name)

    async def _start(self, part: Part) -> None:
        await part.start()
        _log.info("part.ready", part=part.name)
        # From now on, not from the end of its stage: a slow neighbour must not delay a restart.
        self._watchers[part.name] = asyncio.create_task(self._keep(part), name=f"keep-{part.name}")

    async def _keep(self, part: Part) -> None:
        """Start `part` again whenever it ends."""
        restarts: deque[float] = deque()
        while True:
            how = await part.ended()
            while True:
                self._spend_restart(part, how, restarts)
                wait_s = self._policy.wait_s(len(restarts) - 1, self._rng)
                _log.warning("part.restarting", part=part.name, how=how, wait_s=round(wait_s, 2))
                await asyncio.sleep(wait_s)
                try:
                    await part.stop()
                    await part.start()
                except ConfigurationError:
                    raise
                except ConclaveError as error:
                    how = error.message
                else:
                    break
            _log.info("part.ready", part=part.name)

    def _spend_restart(self, part: Part, how: str, restarts: deque[float]) -> None:
        now = self._clock.monotonic()
        while restarts and now - restarts[0] > self._policy.window_s:
            restarts.popleft()
        if len(restarts) >= self._policy.budget:
            raise Unavailable(f"{part.name} {how}, after {len(restarts)} restarts in {self._policy.window_s:g} seconds")
        restarts.append(now)
