"""How each pool's router does beside constants, looked up every minute; says once when one begins to lose."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import structlog

from core.clock import Clock
from core.ids import PoolName
from core.pools import PoolSpec
from core.ports import ShadowLog
from routing.regret import Regret, better_of, regrets_of
from wiring.chores import again_and_again

_REFRESH_S = 60.0
_BACK = timedelta(days=90)

_log = structlog.get_logger(__name__)


class Regrets:
    """Serves what was last looked up without waiting; every process reads the same samples, so all of them agree."""

    def __init__(self, log: ShadowLog, pools: Iterable[PoolSpec], clock: Clock) -> None:
        """Watch those of `pools` that are shadowed."""
        self._log = log
        self._pools = [pool for pool in pools if pool.shadow.share]
        self._clock = clock
        self._held: dict[PoolName, tuple[Regret, ...]] = {}
        self._losing: set[tuple[PoolName, str]] = set()
        self._tending: asyncio.Task[None] | None = None

    def of(self, pool: PoolName) -> tuple[Regret, ...]:
        """Return each constant beside the pool's router; nothing while there are no samples."""
        return self._held.get(pool, ())

    def stand_in(self, pool: PoolName) -> str | None:
        """Return the constant that the pool's router loses to by most, or nothing while it loses to none."""
        better = better_of(self.of(pool))
        return better.constant if better else None

    def open(self) -> None:
        """Look everything up now, and again every 60 seconds."""
        self._tending = asyncio.create_task(again_and_again(self.look_up, _REFRESH_S))

    async def aclose(self) -> None:
        """Stop looking."""
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)

    async def look_up(self) -> None:
        """Look up every pool once."""
        for pool in self._pools:
            samples = await self._log.of(pool.name, self._clock.now() - _BACK)
            # Ten thousand samples take a tenth of a second.
            self._held[pool.name] = await asyncio.to_thread(regrets_of, samples, pool.router)
            for regret in self.of(pool.name):
                self._tell(pool, regret)

    def _tell(self, pool: PoolSpec, regret: Regret) -> None:
        key = (pool.name, regret.constant)
        if regret.losing == (key in self._losing):
            return
        told = {"pool": pool.name, "router": pool.router, "constant": regret.constant, "samples": regret.samples}
        if regret.losing:
            self._losing.add(key)
            _log.warning("router.loses", **told, gain=round(regret.lately, 4), falls_back=pool.shadow.fall_back)
        else:
            self._losing.remove(key)
            _log.info("router.recovers", **told)
