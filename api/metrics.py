"""`GET /metrics`: what this process counted, for Prometheus."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from api.front import Endpoint
from api.meters import Meters
from api.routes import Visit
from api.service import Service


async def show_metrics(visit: Visit) -> Response:
    """Return the process's counters in the text format."""
    return _exposed(visit.service.meters)


def open_to_all(service: Service) -> Endpoint:
    """Return the same for everyone, key or not."""

    async def endpoint(request: Request) -> Response:
        del request
        return _exposed(service.meters)

    return endpoint


def _exposed(meters: Meters) -> Response:
    body, media = meters.exposition()
    return Response(body, headers={"content-type": media})
