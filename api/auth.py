"""Who is asking: API keys from `Authorization: Bearer`, looked up at most every few seconds, with scopes.

A revoked key stops working within the cache's three seconds. Keys never reach logs or errors.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

import structlog
from starlette.types import Scope

from core.clock import Clock
from core.errors import ConclaveError, NotAuthenticated, NotPermitted
from core.ids import KeyId
from core.keys import SCOPES, ApiKey, is_genuine, key_id_of
from core.ports import KeyStore

ANYONE: Final = SCOPES
"""Every working key: to look at what is on offer."""
ASKERS: Final = frozenset({"run", "admin"})
"""Keys that may spend."""
HOLDERS: Final = frozenset({"run", "admin", "operator"})
"""Keys that may see what they may spend yet; an operator sees it of all."""
WATCHERS: Final = SCOPES
"""Keys that may look at runs; which runs, the route decides."""
OPERATORS: Final = frozenset({"operator"})
"""Keys that operate the installation: its hosts and their models, its metrics."""

_TTL_S = 3.0
_MOST_CACHED = 10_000
_TOUCH_EVERY_S = 30.0
_log = structlog.get_logger(__name__)


class Door:
    """Checks keys against the store; concurrent look-ups of one key are one look-up."""

    def __init__(self, keys: KeyStore, pepper: bytes, clock: Clock) -> None:
        """Check against `keys`; `pepper` is the server's secret under which they were stored."""
        self._keys = keys
        self._pepper = pepper
        self._clock = clock
        self._cache: dict[KeyId, tuple[ApiKey | None, float]] = {}
        self._lookups: dict[KeyId, asyncio.Task[ApiKey | None]] = {}
        self._used: set[KeyId] = set()

    async def admit(self, scope: Scope, allowed: frozenset[str]) -> ApiKey:
        """Return the caller's key; raises `NotAuthenticated`, or `NotPermitted` when it has none of `allowed`."""
        shown = _bearer(scope["headers"])
        key_id = key_id_of(shown)
        key = None if key_id is None else await self._find(key_id)
        if key is None or not is_genuine(key, shown, self._pepper) or not key.usable(self._clock.now()):
            raise NotAuthenticated("this API key is unknown, revoked or expired; make one with `conclave keys create`")
        if key.scopes.isdisjoint(allowed):
            raise NotPermitted(f"this key may not do this; it needs the scope {' or '.join(sorted(allowed))}")
        self._used.add(key.id)
        return key

    async def tend(self) -> None:
        """Record every half minute which keys were used, until cancelled."""
        while True:
            await asyncio.sleep(_TOUCH_EVERY_S)
            await self.record_use()

    async def record_use(self) -> None:
        """Record which keys were used since the last time."""
        used, self._used = self._used, set()
        if used:
            try:
                await self._keys.touch(used)
            except ConclaveError as error:
                _log.warning("keys.touch_lost", keys=len(used), code=error.error_code)

    async def _find(self, key_id: KeyId) -> ApiKey | None:
        entry = self._cache.get(key_id)
        if entry is not None and self._clock.monotonic() < entry[1]:
            return entry[0]
        lookup = self._lookups.get(key_id)
        if lookup is None:
            lookup = self._lookups[key_id] = asyncio.create_task(self._look_up(key_id))
            lookup.add_done_callback(lambda _: self._lookups.pop(key_id, None))
        # Shielded: one caller leaving must not fail the others waiting for the same key.
        return await asyncio.shield(lookup)

    async def _look_up(self, key_id: KeyId) -> ApiKey | None:
        fresh_until = self._clock.monotonic() + _TTL_S
        key = await self._keys.find(key_id)
        self._cache.pop(key_id, None)
        while len(self._cache) >= _MOST_CACHED:
            del self._cache[next(iter(self._cache))]
        self._cache[key_id] = (key, fresh_until)
        return key


def _bearer(headers: Iterable[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == b"authorization":
            scheme, _, shown = value.partition(b" ")
            if scheme.lower() == b"bearer" and len(shown) < 200 and shown.isascii():
                return shown.strip().decode()
            break
    raise NotAuthenticated("send your API key as `Authorization: Bearer <key>`", code="missing_api_key")
