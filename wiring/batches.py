"""A convener for batches: the container's own parts, with a gate in front of its gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from agents.convening import Convener
from agents.service import ConveningService
from core.experts import Kind
from core.ids import ExpertName, ModelName
from experts.waves import WaveGateway
from wiring.container import Container

# As many are served as there are slots, and as many wait behind them that no slot is ever free: more would only
# wait in the mailbox, on the time their calls have for a first token.
_PER_SLOT = 2


@dataclass(frozen=True, slots=True)
class Batching:
    """What answers the lines of one batch."""

    convener: Convener
    gate: WaveGateway


@asynccontextmanager
async def batching(container: Container) -> AsyncIterator[Batching]:
    """Yield a convener whose hosted calls wait for one another; ends when the records of its runs are written.

    The recruiter is the container's: what it calls itself, as the keyword tagger does, does not wait at the gate.
    """
    catalogue = container.configuration.catalogue
    hosts = max(1, len(await container.hosts.hosts()))

    def model_of(expert: ExpertName) -> ModelName | None:
        spec = catalogue.experts.get(expert)
        return ModelName(spec.target) if spec is not None and spec.kind is Kind.HOSTED else None

    def room(model: ModelName) -> int:
        spec = catalogue.models.get(model)
        return min(container.configuration.hosting.mailbox_limit, _PER_SLOT * hosts * (spec.slots if spec else 1))

    gate = WaveGateway(container.gateway, model_of, room)
    convener = ConveningService(
        gateway=gate,
        recruiter=container.recruiter,
        ledger=container.ledger,
        runs=container.runs,
        experts=catalogue.experts,
        clock=container.clock,
        keep_words=container.configuration.store == "content",
    )
    await convener.warm()
    try:
        yield Batching(convener, gate)
    finally:
        await convener.aclose()
