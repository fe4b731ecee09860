"""Which hosts are alive and what they hold, in Valkey."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from core.hosting import HostState
from core.ids import HostId
from storage.valkey.connection import Valkey
from storage.valkey.scripts import Script

_BEAT, _HOSTS = Script("beat"), Script("hosts")
_states: TypeAdapter[HostState] = TypeAdapter(HostState)


class ValkeyHostDirectory:
    """Hosts that said they were alive a short while ago."""

    def __init__(self, valkey: Valkey) -> None:
        """Keep them in `valkey`."""
        self._valkey = valkey

    async def beat(self, state: HostState, ttl_s: float) -> None:
        """Say that a host is alive; forgotten `ttl_s` seconds after the last beat."""
        document = _states.dump_json(state).decode()
        await self._valkey.run(_BEAT, (), (state.id, document, max(1, round(ttl_s * 1000))))

    async def leave(self, host: HostId) -> None:
        """Say that a host is gone."""
        await self._valkey.run(_BEAT, (), (host, "", 0))

    async def hosts(self) -> Sequence[HostState]:
        """Return the hosts alive now, by id."""
        return [_states.validate_json(document) for document in await self._valkey.run(_HOSTS, ())]
