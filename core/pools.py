"""A pool: a named set of experts with its router, panel size, strategy, aggregator and budget."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.budgets import Budget
from core.ids import ExpertName, PoolName


@dataclass(frozen=True, slots=True)
class PanelSize:
    """At most `max` experts; recruiting stops early once the panel's expected quality reaches `stop_at` (0..1).

    `thrift` is how much chance of a right answer a call must bring for the price of one call of the best single expert.
    """

    max: int = 3
    stop_at: float = 0.9
    thrift: float = 0.02


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for a pool's panels whichever router chose them; what is left out does not.

    At most `per_family` seats go to one model family and `per_group` to one host group. With `balance`, experts of
    like quality take turns. A conversation stays with the expert that answered it while that one's expected quality is
    within `affinity` of the best (0..1). With `adapt`, agreement and verdicts inside a conversation move its choices.
    """

    per_family: int | None = None
    per_group: int | None = None
    balance: bool = False
    affinity: float | None = None
    adapt: bool = False


@dataclass(frozen=True, slots=True)
class Shadow:
    """How a pool's router is watched: `share` (0..1) of the queries it answered are put to the constant routers too.

    What that costs never exceeds `spend` times what the pool's queries that could have been shadowed have cost, in one
    process since it began. With `fall_back`, a pool whose router loses to a constant is routed by that constant.
    """

    share: float = 0.0
    spend: float = 0.01
    fall_back: bool = False


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
    rules: Rules = Rules()
    shadow: Shadow = Shadow()
