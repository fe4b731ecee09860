"""The profiles pools are routed by now: the newest measured ones, else those that ship, with what feedback adds.

Both are looked up again regularly.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from core.clock import Clock
from core.ids import ExpertName, PoolName
from core.ports import FeedbackLog, ProfileStore
from core.profiles import ProfileSet
from routing.profiles import HORIZON, live_of, load_profiles, unmeasured
from wiring.chores import again_and_again
from wiring.stores import SHIPPED_PROFILES

_REFRESH_S = 15.0


class ProfileShelf:
    """Serves profiles without waiting; a new measurement, and new feedback, is taken up within 15 seconds."""

    def __init__(
        self,
        store: ProfileStore,
        feedback: FeedbackLog,
        pools: Mapping[PoolName, tuple[ExpertName, ...]],
        clock: Clock,
    ) -> None:
        """Keep the profiles of `pools`, given with the names of their experts."""
        self._store = store
        self._feedback = feedback
        self._pools = pools
        self._clock = clock
        self._held: dict[PoolName, ProfileSet] = {}
        self._tending: asyncio.Task[None] | None = None

    def of(self, pool: PoolName) -> ProfileSet:
        """Return the profiles of a pool."""
        return self._held.get(pool) or unmeasured(pool, self._clock.now())

    async def open(self) -> None:
        """Look everything up once, and again every 15 seconds from now on."""
        await self._look_up()
        self._tending = asyncio.create_task(again_and_again(self._look_up, _REFRESH_S, after_s=_REFRESH_S))

    async def aclose(self) -> None:
        """Stop looking."""
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)

    async def _look_up(self) -> None:
        for pool, experts in self._pools.items():
            measured = await self._measured(pool, experts)
            now = self._clock.now()
            given = await self._feedback.since(pool, now - HORIZON)
            # Counted anew each time: verdicts grow old without anybody saying so.
            live = await asyncio.to_thread(live_of, measured, given, now) if given else {}
            if live or measured.live:
                measured = replace(measured, live=live, live_at=now)
            self._held[pool] = measured

    async def _measured(self, pool: PoolName, experts: tuple[ExpertName, ...]) -> ProfileSet:
        version, held = await self._store.newest(pool), self._held.get(pool)
        if held is not None and (version is None or held.version == version):
            return held
        found = None if version is None else await self._store.latest(pool)
        found = found or await asyncio.to_thread(_shipped, pool, experts)
        return found or unmeasured(pool, self._clock.now())


def _shipped(pool: PoolName, experts: tuple[ExpertName, ...], path: Path = SHIPPED_PROFILES) -> ProfileSet | None:
    if not path.exists():
        return None
    shipped = load_profiles(path)
    return shipped if shipped.pool == pool and set(experts) & set(shipped.experts) else None
