"""One look at every host and every mailbox, as the admin routes and the metrics need it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.experts import ModelSpec
from core.hosting import Backlog, HostState
from core.ids import ModelName
from wiring.container import Container


@dataclass(frozen=True, slots=True)
class Fleet:
    """The configured models with what waits for each, and the hosts alive."""

    models: Mapping[ModelName, ModelSpec]
    hosts: Sequence[HostState]
    backlogs: Mapping[ModelName, Backlog]


async def fleet_of(container: Container) -> Fleet:
    """Return what there is now; raises `Unavailable` when the store is away."""
    hosts, waiting = await asyncio.gather(container.hosts.hosts(), container.mailbox.backlog())
    models = container.configuration.catalogue.models
    found = {backlog.model: backlog for backlog in waiting}
    return Fleet(models, hosts, {name: found.get(name) or Backlog(name, 0, 0.0) for name in models})
