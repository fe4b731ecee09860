"""`GET /v1/routers`: the recruiters a pool may name as its router, and what each is."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from api.routes import Visit
from routing.recruiters import RECRUITERS


async def list_routers(visit: Visit) -> Response:
    """Return every recruiter's traits, and the pools that use it."""
    used: dict[str, list[str]] = {}
    for name, pool in visit.container.configuration.pools.items():
        used.setdefault(pool.router, []).append(name)
    data = [
        {
            "id": name,
            "object": "conclave.router",
            "timing": method.traits.timing.value,
            "family": method.traits.family,
            "training": method.traits.training.value,
            "cold_start": method.traits.cold_start,
            "source": method.traits.source,
            "pools": used.get(name, []),
        }
        for name, method in RECRUITERS.items()
    ]
    return Response(orjson.dumps({"object": "list", "data": data}), media_type="application/json")
