"""What the lessons of each pool taught, learned beside the service and anew when a pool was measured again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import structlog

from core.errors import ConclaveError
from core.ids import ExpertName, PoolName
from core.ports import Embedder
from routing.curriculum import lessons_of
from routing.schooling import Schooling, schooling_of
from wiring.chores import again_and_again
from wiring.shelf import ProfileShelf

_REFRESH_S = 15.0

_log = structlog.get_logger(__name__)


class Schools:
    """Serves what was learned without waiting; until then, recruiters go by the counts of the profile."""

    def __init__(
        self,
        shelf: ProfileShelf,
        pools: Mapping[PoolName, tuple[ExpertName, ...]],
        families: Mapping[ExpertName, str],
        embedder: Embedder,
    ) -> None:
        """Learn from the profiles of `pools` on the shelf; `families` tell which experts tend to err together."""
        self._shelf = shelf
        self._pools = pools
        self._families = families
        self._embedder = embedder
        self._held: dict[PoolName, tuple[str, Schooling | None]] = {}
        self._tending: asyncio.Task[None] | None = None

    def of(self, pool: PoolName) -> Schooling | None:
        """Return what the pool's newest learned lessons taught, or nothing."""
        return self._held.get(pool, ("", None))[1]

    def open(self) -> None:
        """Begin to learn, and look for new profiles every 15 seconds from now on."""
        self._tending = asyncio.create_task(again_and_again(self._learn, _REFRESH_S))

    async def aclose(self) -> None:
        """Stop learning."""
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.gather(self._tending, return_exceptions=True)

    async def _learn(self) -> None:
        for pool in self._pools:
            profiles = self._shelf.of(pool)
            if self._held.get(pool, ("", None))[0] == profiles.version:
                continue
            try:
                lessons = await lessons_of(profiles, self._families, self._embedder)
            except ConclaveError as error:
                _log.warning("lessons.unread", pool=pool, code=error.error_code)
                continue
            # Noted first: lessons that cannot be learned from are not tried again every 15 seconds.
            self._held[pool] = (profiles.version, None)
            if lessons is not None:
                self._held[pool] = (profiles.version, await asyncio.to_thread(schooling_of, lessons))
