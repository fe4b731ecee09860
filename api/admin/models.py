"""`/v1/admin/models`: the models that hosts may load, what waits for each, and where each is."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from api.admin.hosts import residence_json
from api.admin.orders import LoadRequest, configured, leave, ordered
from api.fleet import Fleet, fleet_of
from api.openai.fields import read
from api.routes import Visit
from core.fleet import backlog_seconds, granted, residences
from core.hosting import Order, OrderKind
from core.ids import HostId, ModelName


async def list_hosted_models(visit: Visit) -> Response:
    """Return every hosted model of the configuration."""
    fleet = await fleet_of(visit.container)
    return _json({"object": "list", "data": [_model(name, fleet) for name in fleet.models]})


async def retrieve_hosted_model(visit: Visit) -> Response:
    """Return one of them; raises `NotFound` with near names."""
    name = _name_in(visit)
    return _json(_model(name, await fleet_of(visit.container)))


async def load_model(visit: Visit) -> Response:
    """Tell the host best placed, or the one named, to load a model."""
    return await _order(visit, OrderKind.LOAD)


async def unload_model(visit: Visit) -> Response:
    """Tell every host that holds a model, or the one named, to unload it."""
    return await _order(visit, OrderKind.UNLOAD)


async def pin_model(visit: Visit) -> Response:
    """Tell the host best placed, or the one named, to keep a model in memory."""
    return await _order(visit, OrderKind.PIN)


async def unpin_model(visit: Visit) -> Response:
    """Tell every host that holds a model, or the one named, that it may be unloaded again."""
    return await _order(visit, OrderKind.UNPIN)


async def _order(visit: Visit, kind: OrderKind) -> Response:
    name = _name_in(visit)
    given = read(LoadRequest, visit.body).host
    told = await leave(visit.container.hosts, kind, name, None if given is None else HostId(given))
    return ordered(Order(kind, name), told)


def _model(name: ModelName, fleet: Fleet) -> dict[str, object]:
    # Only what is named here is shown: a model's command may hold secrets.
    spec, backlog = fleet.models[name], fleet.backlogs[name]
    return {
        "id": name,
        "object": "hosted_model",
        "engine": spec.engine.value,
        "context": spec.context,
        "slots": spec.slots,
        "licence": spec.licence,
        "waiting": backlog.waiting,
        "oldest_s": backlog.oldest_s,
        "turn_clock_s": backlog.since_s if backlog.waiting else None,
        "backlog_tokens": backlog.work_tokens,
        "backlog_s": backlog_seconds(backlog, fleet.hosts),
        "granted": granted(backlog, fleet.hosts),
        "hosts": [{"host": host.id, **residence_json(residence)} for host, residence in residences(fleet.hosts, name)],
    }


def _name_in(visit: Visit) -> ModelName:
    return configured(visit.container.configuration, visit.request.path_params["name"])


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
