"""`/v1/admin/hosts`: which hosts are alive, what they hold and did, and how to take one out of service."""

from __future__ import annotations

from dataclasses import asdict

import orjson
from starlette.responses import Response

from api.admin.orders import DrainRequest, ordered
from api.openai.fields import read
from api.routes import Visit
from core.fleet import named_host
from core.hosting import HostState, Order, OrderKind, Residence
from core.ids import HostId


async def list_hosts(visit: Visit) -> Response:
    """Return every host alive, by id."""
    return _json({"object": "list", "data": [_host(host) for host in await visit.container.hosts.hosts()]})


async def retrieve_host(visit: Visit) -> Response:
    """Return one of them; raises `NotFound` naming those alive."""
    return _json(_host(named_host(await visit.container.hosts.hosts(), _id_in(visit))))


async def drain_host(visit: Visit) -> Response:
    """Tell a host to finish what it serves and take no more; raises `NotFound` when it is not alive."""
    read(DrainRequest, visit.body)
    host, order = _id_in(visit), Order(OrderKind.DRAIN)
    await visit.container.hosts.order(host, order)
    return ordered(order, [host])


def residence_json(residence: Residence) -> dict[str, object]:
    """Return what a host tells of a model on it, without the model's name."""
    told = asdict(residence)
    del told["model"]
    return told


def _host(host: HostState) -> dict[str, object]:
    return {
        "id": host.id,
        "object": "host",
        "queue": host.queue,
        "memory_budget_bytes": host.memory_budget,
        "memory_used_bytes": host.memory_used,
        "serving": host.serving,
        "turn_s": host.turn_s,
        "slots": host.slots,
        "slots_busy": host.slots_busy,
        "progress_s": host.progress_s,
        "draining": host.draining,
        "models": sorted(host.models),
        "residences": [{"model": residence.model, **residence_json(residence)} for residence in host.residences],
        "counts": asdict(host.counts),
    }


def _id_in(visit: Visit) -> HostId:
    return HostId(visit.request.path_params["host_id"])


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
