"""`GET /v1/models`: everything a request's `model` can name."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from api.openai.embeddings import embedding_models
from api.openai.targets import model_names
from api.routes import Visit
from core.errors import NotFound


async def list_models(visit: Visit) -> Response:
    """Return pools, pools with a strategy, experts, and the embedding model."""
    return _json({"object": "list", "data": [_model(name, visit) for name in _names(visit)]})


async def retrieve_model(visit: Visit) -> Response:
    """Return one of them; raises `NotFound` with near names."""
    name = visit.request.path_params["model"]
    names = _names(visit)
    if name not in names:
        raise NotFound.named("model", name, names, param="model")
    return _json(_model(name, visit))


def _names(visit: Visit) -> list[str]:
    return [*model_names(visit.container.configuration), *embedding_models(visit.container.embedder)]


def _model(name: str, visit: Visit) -> dict[str, object]:
    return {"id": name, "object": "model", "created": visit.service.started_at, "owned_by": "conclave"}


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
