"""Bringing in a measurement made elsewhere: only for the pool it is of, and never over a newer one."""

from __future__ import annotations

from core.errors import Conflict, InvalidRequest
from core.pools import PoolSpec
from core.ports import ProfileStore
from core.profiles import ProfileSet


async def take_in(store: ProfileStore, pool: PoolSpec, profiles: ProfileSet) -> None:
    """Store the profiles of a pool; the services that route by it take them up.

    Raises `InvalidRequest` when they are of another pool or of none of its experts, `Conflict` when what is stored was
    measured later.
    """
    if profiles.pool != pool.name:
        raise InvalidRequest(f"the profile is of the pool {profiles.pool}, not of {pool.name}", code="other_pool")
    if profiles.experts.keys().isdisjoint(pool.experts):
        raise InvalidRequest(f"the profile knows none of the experts of {pool.name}", code="other_pool")
    stored = await store.latest(pool.name)
    if stored is not None and stored.measured_at > profiles.measured_at:
        when = stored.measured_at.isoformat(timespec="seconds")
        raise Conflict(f"a newer profile is stored: {stored.version}, measured {when}", code="newer_profile")
    await store.save(profiles)
