"""The profiles pools are routed by now: the newest measured ones, else those that ship; looked up again regularly."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from core.clock import Clock
from core.ids import ExpertName, PoolName
from core.ports import ProfileStore
from core.profiles import ProfileSet
from routing.profiles import load_profiles, unmeasured
from wiring.chores import again_and_again
from wiring.stores import SHIPPED_PROFILES

_REFRESH_S = 15.0


class ProfileShelf:
    """Serves profiles without waiting; a new measurement is taken up within 15 seconds."""

    def __init__(self, store: ProfileStore, pools: Mapping[PoolName, tuple[ExpertName, ...]], clock: Clock) -> None:
        """Keep the profiles of `pools`, given with the names of their experts."""
        self._store = store
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
            found = await self._store.latest(pool) or await asyncio.to_thread(_shipped, pool, experts)
            if found is not None:
                self._held[pool] = found


def _shipped(pool: PoolName, experts: tuple[ExpertName, ...], path: Path = SHIPPED_PROFILES) -> ProfileSet | None:
    if not path.exists():
        return None
    shipped = load_profiles(path)
    return shipped if shipped.pool == pool and set(experts) & set(shipped.experts) else None
