"""Whether the process lives, and whether it can serve: open to everyone, with no detail beyond reasons."""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.service import Service

_READY = 200
_NOT_READY = 503


class Health:
    """The two questions an orchestrator asks."""

    def __init__(self, service: Service) -> None:
        """Answer for `service`."""
        self._service = service

    async def live(self, request: Request) -> Response:
        """Say that the process answers at all; touches nothing else."""
        del request
        return _json({"status": "live"}, _READY)

    async def ready(self, request: Request) -> Response:
        """Say whether requests can be served, with the reasons when not."""
        del request
        reasons = await self._service.unready()
        if reasons:
            return _json({"status": "not ready", "reasons": reasons}, _NOT_READY)
        return _json({"status": "ready", "reasons": {}}, _READY)


def _json(body: object, status: int) -> Response:
    headers = {"cache-control": "no-store", **({"retry-after": "1"} if status == _NOT_READY else {})}
    return Response(orjson.dumps(body), status, headers, "application/json")
