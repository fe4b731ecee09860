"""`GET /metrics`: what this process counted, how routers do, and what hosts and mailboxes say, for Prometheus."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response

from api.fleet import fleet_of
from api.fleet_metrics import exposition_of
from api.front import Endpoint
from api.regret_metrics import regret_exposition
from api.routes import Visit
from api.service import Service
from core.errors import ConclaveError

_WITHIN_S: Final = 2.0
_log = structlog.get_logger(__name__)


async def show_metrics(visit: Visit) -> Response:
    """Return everything counted in the text format."""
    return await _exposed(visit.service)


def open_to_all(service: Service) -> Endpoint:
    """Return the same for everyone, key or not."""

    async def endpoint(request: Request) -> Response:
        del request
        return await _exposed(service)

    return endpoint


async def _exposed(service: Service) -> Response:
    own, media = service.meters.exposition()
    return Response(own + _of_regrets(service) + await _of_fleet(service), headers={"content-type": media})


def _of_regrets(service: Service) -> bytes:
    """Return how routers do; nothing before the container is there."""
    try:
        container = service.container
    except ConclaveError:
        return b""
    return regret_exposition(container.configuration.pools, container.regrets)


async def _of_fleet(service: Service) -> bytes:
    """Return what the stores tell; nothing when they are away, for the process's own counters must still be read."""
    try:
        async with asyncio.timeout(_WITHIN_S):
            return exposition_of(await fleet_of(service.container))
    except (ConclaveError, TimeoutError) as error:
        _log.warning("metrics.without_hosts", error=type(error).__name__)
        return b""
