"""Which hosts are alive and what they hold, in Valkey."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter

from core.errors import Overloaded
from core.fleet import not_alive
from core.hosting import HostState, Order
from core.ids import HostId
from storage.valkey.connection import Valkey
from storage.valkey.scripts import Script

MOST_ORDERS = 100
"""How many orders may wait for one host."""

_BEAT, _HOSTS, _ORDER = Script("beat"), Script("hosts"), Script("order")
_states: TypeAdapter[HostState] = TypeAdapter(HostState)
_orders: TypeAdapter[Order] = TypeAdapter(Order)


class ValkeyHostDirectory:
    """Hosts that said they were alive a short while ago."""

    def __init__(self, valkey: Valkey) -> None:
        """Keep them in `valkey`."""
        self._valkey = valkey

    async def beat(self, state: HostState, ttl_s: float) -> Sequence[Order]:
        """Say that a host is alive, forgotten `ttl_s` seconds after the last beat; return its orders, each once."""
        document = _states.dump_json(state).decode()
        waiting = await self._valkey.run(_BEAT, (), (state.id, document, max(1, round(ttl_s * 1000))))
        return [_orders.validate_json(order) for order in waiting]

    async def order(self, host: HostId, order: Order) -> None:
        """Leave an order for a host, taken with its next beat and forgotten with the host.

        Raises `NotFound` naming the hosts alive, or `Overloaded` when `MOST_ORDERS` wait for it already.
        """
        document = _orders.dump_json(order).decode()
        left = await self._valkey.run(_ORDER, (), (host, document, MOST_ORDERS))
        if left < 0:
            raise not_alive(host, await self.hosts())
        if not left:
            raise Overloaded(f"{MOST_ORDERS} orders wait for host {host} already", retry_after_s=2.0)

    async def leave(self, host: HostId) -> None:
        """Say that a host is gone, its orders with it."""
        await self._valkey.run(_BEAT, (), (host, "", 0))

    async def hosts(self) -> Sequence[HostState]:
        """Return the hosts alive now, by id."""
        return [_states.validate_json(document) for document in await self._valkey.run(_HOSTS, ())]
