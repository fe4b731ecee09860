"""`POST /v1/route`: the decision a chat request would meet, without asking any expert."""

from __future__ import annotations

import asyncio
from typing import Final

import orjson
from starlette.responses import Response

from api.openai.asking import query_of
from api.openai.fields import read
from api.openai.request import ChatRequest
from api.openai.targets import find_target
from api.routes import Visit
from core.errors import DeadlineExceeded, InvalidRequest
from core.experts import ExpertSpec
from core.rendering import decision_json, skills_json

_WITHIN_S: Final = 30.0


async def route(visit: Visit) -> Response:
    """Return skills and decision for the body of a chat request."""
    request = read(ChatRequest, visit.body)
    configuration = visit.container.configuration
    pool = find_target(request.model, configuration, request.conclave.strategy if request.conclave else None)
    if isinstance(pool, ExpertSpec):
        raise InvalidRequest("a single expert needs no decision; name a pool", param="model")
    query = query_of(request, configuration.catalogue, visit.key.id)
    try:
        async with asyncio.timeout(_WITHIN_S):
            decision = await visit.container.recruiter.decide(query, pool)
    except TimeoutError:
        raise DeadlineExceeded(f"no decision within {_WITHIN_S:g} seconds; try again") from None
    body = {
        "object": "conclave.decision",
        "model": request.model,
        "skills": skills_json(decision.skills),
        "decision": decision_json(decision),
    }
    return Response(orjson.dumps(body), media_type="application/json")
