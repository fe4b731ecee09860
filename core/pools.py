"""A pool: a named set of experts with its router, panel size, strategy, aggregator and budget."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.budgets import Budget
from core.ids import ExpertName, PoolName


@dataclass(frozen=True, slots=True)
class PanelSize:
    """At most `max` experts; recruiting stops early once the panel's expected quality reaches `stop_at` (0..1)."""

    max: int = 3
    stop_at: float = 0.9


@dataclass(frozen=True, slots=True)
class PoolSpec:
    """A pool as configured; names of router, strategy and aggregator are keys of their rooms' registries."""

    name: PoolName
    experts: tuple[ExpertName, ...]
    router: str = "conclave"
    k: PanelSize = PanelSize()
    strategy: str = "panel"
    aggregator: str = "auto"
    budget: Budget = field(default_factory=Budget)
    tagger: str = "embedding"
    keyword_expert: ExpertName | None = None
    aggregator_expert: ExpertName | None = None
