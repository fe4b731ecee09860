"""What a shadow leaves behind: how a constant router would have done beside the configured one. It holds no words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from core.ids import PoolName, RunId
from core.money import Micros

CONSTANTS: Final = ("best_single", "cheapest", "random")
"""The routers that ask one expert whatever the query: what a router must not lose to."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One constant beside the configured `router` on one query, whichever of them answered it.

    `gain` is the chance that the constant's answer is right less that of the router's, in -1..1, both as the vote
    thinks after hearing everybody: an estimate, not the truth. What each asked cost is in micro-dollars.
    """

    pool: PoolName
    run_id: RunId
    constant: str
    router: str
    profile_version: str
    gain: float
    constant_micros: Micros
    router_micros: Micros
    at: datetime
