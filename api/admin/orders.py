"""Leaving orders for hosts: what may be said with one, who gets it, and the 202 that says it was left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import orjson
from pydantic import Field
from starlette.responses import Response

from api.openai.fields import Strict
from core.errors import NotFound, Overloaded
from core.fleet import recipients
from core.hosting import Order, OrderKind
from core.ids import HostId, ModelName
from core.ports import HostDirectory
from experts.faults import NO_HOST
from experts.hosted import best_host
from wiring.configuration.values import Configuration

_RETRY_AFTER_S = 5.0


class LoadRequest(Strict):
    """Which host to tell; left out, the best one is told to load or pin, and every holder to unload or unpin."""

    host: Annotated[str, Field(min_length=1, max_length=63)] | None = None


class DrainRequest(Strict):
    """A drain needs nothing more said."""


def configured(configuration: Configuration, name: str) -> ModelName:
    """Return the hosted model of that name; raises `NotFound` with near names."""
    models = configuration.catalogue.models
    if name not in models:
        raise NotFound.named("model", name, models, param="model")
    return ModelName(name)


async def leave(directory: HostDirectory, kind: OrderKind, model: ModelName, host: HostId | None) -> list[HostId]:
    """Leave an order about a model for the host named, or for whom `recipients` chooses; return who got it.

    Raises `Overloaded` when no host alive can serve the model, `Conflict` and `NotFound` as `recipients` does.
    """
    hosts = await directory.hosts()
    told: list[HostId] = []
    for recipient in recipients(kind, model, hosts, host, best_host(hosts, model)):
        try:
            await directory.order(recipient, Order(kind, model))
        except NotFound:
            # One that left meanwhile holds nothing any more.
            if host is not None:
                raise
            continue
        told.append(recipient)
    if not told:
        raise _nobody(model)
    return told


def ordered(order: Order, hosts: Sequence[HostId]) -> Response:
    """Return the answer for an order that was left for `hosts`."""
    body = {"object": "order", "kind": order.kind.value, "model": order.model, "hosts": list(hosts)}
    return Response(orjson.dumps(body), 202, media_type="application/json")


def _nobody(model: ModelName) -> Overloaded:
    return Overloaded(
        f"no host is there to serve {model}; try again shortly", code=NO_HOST, retry_after_s=_RETRY_AFTER_S
    )
