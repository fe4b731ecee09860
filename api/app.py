"""The ASGI application of one process: the table of routes, the way in, and the life behind it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import cache
from typing import Final

import orjson
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.admin.hosts import drain_host, list_hosts, retrieve_host
from api.admin.models import (
    list_hosted_models,
    load_model,
    pin_model,
    retrieve_hosted_model,
    unload_model,
    unpin_model,
)
from api.admin.orders import DrainRequest, LoadRequest
from api.auth import ANYONE, ASKERS, HOLDERS, OPERATORS, WATCHERS
from api.errors import body_of, headers_of, known
from api.events import show_run, stream_run_events
from api.feedback import FeedbackRequest, give_feedback
from api.front import Endpoint, Front
from api.health import Health
from api.metrics import open_to_all, show_metrics
from api.openai.chat import chat_completions
from api.openai.deciding import route
from api.openai.embeddings import EmbeddingRequest, embeddings
from api.openai.models import list_models, retrieve_model
from api.openai.request import ChatRequest
from api.openai.routers import list_routers
from api.openapi import SUMMARY, TITLE, VERSION, document_of
from api.profiles import list_profiles, put_profile, retrieve_profile
from api.regret import list_regret
from api.routes import Handler, LeanRoute, Row, Visit, guarded
from api.service import Build, Service
from api.spending import show_budgets, show_usage
from core.clock import Clock
from core.ids import IdSource
from routing.profiles.document import ProfileDocument


async def show_openapi(visit: Visit) -> Response:
    """Return the OpenAPI document."""
    del visit
    return Response(_document(), media_type="application/json")


def _order(path: str, handler: Handler, summary: str, takes: type[BaseModel] = LoadRequest) -> Row:
    return Row("POST", path, handler, OPERATORS, summary, takes=takes, answers=202)


ROWS: Final = (
    Row("POST", "/v1/chat/completions", chat_completions, ASKERS, "Ask", takes=ChatRequest, streams=True),
    Row("POST", "/v1/route", route, ASKERS, "Decide whom to ask, without asking", takes=ChatRequest),
    Row("GET", "/v1/routers", list_routers, ASKERS, "List the recruiters a pool may use, and what each is"),
    Row("POST", "/v1/feedback", give_feedback, ASKERS, "Say how right an answer was", takes=FeedbackRequest),
    Row("GET", "/v1/profiles", list_profiles, WATCHERS, "List what is known of each pool's experts"),
    Row("GET", "/v1/profiles/{pool}", retrieve_profile, WATCHERS, "Get the measurement a pool is routed by"),
    Row("PUT", "/v1/profiles/{pool}", put_profile, OPERATORS, "Bring in a measurement", takes=ProfileDocument),
    Row("GET", "/v1/regret", list_regret, OPERATORS, "Tell how routers do beside constants"),
    Row("GET", "/v1/usage", show_usage, WATCHERS, "Tell what was spent, by key, pool, expert, outcome and day"),
    Row("GET", "/v1/budgets", show_budgets, HOLDERS, "Tell what keys may spend, have spent and hold"),
    Row("POST", "/v1/embeddings", embeddings, ASKERS, "Turn texts into vectors", takes=EmbeddingRequest),
    Row("GET", "/v1/models", list_models, ANYONE, "List what can be asked"),
    Row("GET", "/v1/models/{model:path}", retrieve_model, ANYONE, "Look one of them up"),
    Row("GET", "/v1/runs/{run_id}", show_run, WATCHERS, "Look at a run"),
    Row("GET", "/v1/runs/{run_id}/events", stream_run_events, WATCHERS, "Follow a run", media="text/event-stream"),
    Row("GET", "/v1/admin/hosts", list_hosts, OPERATORS, "List the hosts alive"),
    Row("GET", "/v1/admin/hosts/{host_id}", retrieve_host, OPERATORS, "Look at a host"),
    _order("/v1/admin/hosts/{host_id}/drain", drain_host, "Let a host finish, and take no more", DrainRequest),
    Row("GET", "/v1/admin/models", list_hosted_models, OPERATORS, "List the models hosts may load"),
    Row("GET", "/v1/admin/models/{name}", retrieve_hosted_model, OPERATORS, "Look at one of them"),
    _order("/v1/admin/models/{name}/load", load_model, "Load a model on a host"),
    _order("/v1/admin/models/{name}/unload", unload_model, "Unload a model from its hosts"),
    _order("/v1/admin/models/{name}/pin", pin_model, "Keep a model in a host's memory"),
    _order("/v1/admin/models/{name}/unpin", unpin_model, "Let a model be unloaded again"),
    Row("GET", "/metrics", show_metrics, OPERATORS, "What this process counted", media="text/plain"),
    Row("GET", "/openapi.json", show_openapi, OPERATORS, "This document"),
)
"""Every route that needs a key."""

OPEN_PATHS: Final = ("/health/live", "/health/liveness", "/health/ready", "/health/readiness")
"""Every route that needs none."""


def create_app(
    build: Build, *, clock: Clock | None = None, ids: IdSource | None = None, open_metrics: bool = False
) -> Front:
    """Return the application; `build` makes its container once the application has started.

    Until then every route but `/health/*` answers 503. `open_metrics` lets anyone read `/metrics`: for a port that only
    the monitoring reaches. The FastAPI application inside is `inner`, for whoever mounts something beside the API.
    """
    service = Service(build, clock=clock, ids=ids)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncGenerator[None, None]:
        service.start()
        try:
            yield
        finally:
            await service.stop()

    inner = FastAPI(
        title=TITLE,
        version=VERSION,
        summary=SUMMARY,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=life,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        exception_handlers={HTTPException: _refuse, Exception: _refuse},
    )
    shortcuts: dict[tuple[str, str], Endpoint] = {}
    for row in ROWS:
        _add(inner, shortcuts, row, guarded(row, service))
    health = Health(service)
    for path in OPEN_PATHS:
        endpoint = health.live if path.startswith("/health/live") else health.ready
        inner.router.add_route(path, endpoint, methods=["GET"], include_in_schema=False)
        shortcuts["GET", path] = endpoint
    if open_metrics:
        shortcuts["GET", "/metrics"] = open_to_all(service)
    return Front(inner, shortcuts, service)


def _add(inner: FastAPI, shortcuts: dict[tuple[str, str], Endpoint], row: Row, endpoint: Endpoint) -> None:
    inner.router.routes.append(LeanRoute(row.path, endpoint, methods=[row.method], include_in_schema=False))
    if "{" not in row.path:
        shortcuts[row.method, row.path] = endpoint


@cache
def _document() -> bytes:
    return orjson.dumps(document_of(ROWS))


async def _refuse(request: Request, error: Exception) -> Response:
    del request
    told = known(error)
    response = Response(body_of(told), told.http_status)
    given = error.headers if isinstance(error, HTTPException) else None
    allow = [
        (name.lower().encode(), value.encode()) for name, value in (given or {}).items() if name.lower() == "allow"
    ]
    response.raw_headers.extend([*headers_of(told), *allow])
    return response
