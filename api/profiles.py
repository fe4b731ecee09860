"""`/v1/profiles`: what is known of each pool's experts, what feedback adds to it, and bringing in a measurement."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

import orjson
from starlette.responses import Response

from api.routes import Visit
from core.errors import ConfigurationError, InvalidRequest, NotFound
from core.ids import ExpertName
from core.pools import PoolSpec
from core.profiles import LiveProfile, ProfileSet
from routing.profiles import HORIZON, drifts_of, dump_profiles, is_measured, parse_profiles
from routing.profiles.drift import Drift
from wiring.importing import take_in


async def list_profiles(visit: Visit) -> Response:
    """Return for each pool which measurement it is routed by, and of each expert what verdicts in service add."""
    container = visit.container
    data = []
    for pool in container.configuration.pools.values():
        profiles = container.routed_by(pool.name)
        given = await container.feedback.since(pool.name, container.clock.now() - HORIZON)
        drifts = await asyncio.to_thread(drifts_of, profiles, given)
        data.append(_summary(pool, profiles, drifts))
    return Response(orjson.dumps({"object": "list", "data": data}), media_type="application/json")


async def retrieve_profile(visit: Visit) -> Response:
    """Return the measurement a pool is routed by, in the form in which `PUT` takes it."""
    pool = _pool_in(visit)
    profiles = visit.container.routed_by(pool.name)
    if not is_measured(profiles):
        raise NotFound(f"no profile of {pool.name} was measured", param="pool", code="unmeasured")
    return Response(await asyncio.to_thread(dump_profiles, profiles), media_type="application/json")


async def put_profile(visit: Visit) -> Response:
    """Take in a measurement of a pool; raises `Conflict` when a newer one is there."""
    pool = _pool_in(visit)
    try:
        profiles = await asyncio.to_thread(parse_profiles, json.dumps(visit.body), "the profile")
    except ConfigurationError as error:
        raise InvalidRequest(error.message, code="invalid_profile") from None
    await take_in(visit.container.profiles, pool, profiles)
    body = {"object": "conclave.profile", "pool": pool.name, "version": profiles.version}
    return Response(orjson.dumps(body), media_type="application/json")


def _summary(pool: PoolSpec, profiles: ProfileSet, drifts: Mapping[ExpertName, Drift]) -> dict[str, object]:
    measured = is_measured(profiles)
    return {
        "id": pool.name,
        "object": "conclave.profile",
        "version": profiles.version if measured else None,
        "questions_id": profiles.questions_id if measured else None,
        "measured_at": profiles.measured_at.isoformat() if measured else None,
        "lessons": len(profiles.lessons),
        "live_at": profiles.live_at.isoformat() if profiles.live_at else None,
        "experts": [_expert(profiles, name, drifts.get(name)) for name in pool.experts],
    }


def _expert(profiles: ProfileSet, name: ExpertName, drift: Drift | None) -> dict[str, object]:
    overall, live = profiles.of(name).overall, profiles.live.get(name, LiveProfile()).overall
    return {
        "expert": name,
        "measured": {"wins": overall.wins, "losses": overall.losses, "declined": overall.declined},
        "live": {
            "wins": round(live.wins, 3),
            "losses": round(live.losses, 3),
            "expected_wins": round(live.expected, 3),
        },
        "drift": drift
        and {
            "direction": drift.direction.value,
            "verdicts": drift.verdicts,
            "expected": round(drift.expected, 4),
            "right": round(drift.right, 4),
        },
    }


def _pool_in(visit: Visit) -> PoolSpec:
    return visit.container.configuration.pool(visit.request.path_params["pool"])
