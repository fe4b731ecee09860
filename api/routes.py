"""The table of routes: who may use each, what it takes. A route without a row does not exist."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from api.front import Endpoint
from api.service import Service
from core.keys import ApiKey
from core.messages import Json
from wiring.container import Container


@dataclass(frozen=True, slots=True)
class Visit:
    """One authenticated request with what it needs to be answered."""

    request: Request
    key: ApiKey
    container: Container
    service: Service

    @property
    def body(self) -> Mapping[str, Json]:
        """Return the body as the gate parsed it."""
        body: Mapping[str, Json] = self.request.scope["state"]["body"]
        return body


Handler = Callable[[Visit], Awaitable[Response]]
"""What answers one route once the caller is known."""


@dataclass(frozen=True, slots=True)
class Row:
    """One route. `scopes` is which keys may use it; `takes` describes its body in the OpenAPI document.

    `answers` is the status of its answer: 202 for what is done later.
    """

    method: str
    path: str
    handler: Handler
    scopes: frozenset[str]
    summary: str
    takes: type[BaseModel] | None = None
    media: str = "application/json"
    streams: bool = False
    answers: int = 200


class LeanRoute(APIRoute):
    """A route whose endpoint takes the request as it is: the gate read the body and the handler checks it."""

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Return the endpoint itself."""
        return self.endpoint


def guarded(row: Row, service: Service) -> Endpoint:
    """Return the endpoint of `row`: the container must be there and the key allowed before the handler runs."""
    handler, scopes = row.handler, row.scopes

    async def endpoint(request: Request) -> Response:
        container = service.container
        key = await service.door.admit(request.scope, scopes)
        return await handler(Visit(request, key, container, service))

    endpoint.__name__ = row.handler.__name__
    return endpoint
