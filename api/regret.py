"""`GET /v1/regret`: how each pool's router does beside constants, as its shadows tell."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from starlette.responses import Response

from api.routes import Visit
from core.pools import PoolSpec
from routing.regret import Regret
from wiring.regrets import Regrets


async def list_regret(visit: Visit) -> Response:
    """Return every pool with the constants that its router was compared with."""
    regrets = visit.container.regrets
    data = [_pool(pool, regrets) for pool in visit.container.configuration.pools.values()]
    return Response(orjson.dumps({"object": "list", "data": data}), media_type="application/json")


def _pool(pool: PoolSpec, regrets: Regrets) -> dict[str, object]:
    stand_in = regrets.stand_in(pool.name) if pool.shadow.fall_back else None
    return {
        "id": pool.name,
        "object": "conclave.regret",
        "router": pool.router,
        "routed_by": stand_in or pool.router,
        "shadow": asdict(pool.shadow),
        "constants": [_constant(regret) for regret in regrets.of(pool.name)],
    }


def _constant(regret: Regret) -> dict[str, object]:
    return {name: round(told, 6) if isinstance(told, float) else told for name, told in asdict(regret).items()}
