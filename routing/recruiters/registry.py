"""Every recruiter by the name that a pool's `router` uses."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Final

from core.errors import NotFound
from routing.recruiters import best_single, cheapest, conclave, symbolic
from routing.slate import Choice, Slate

Recruit = Callable[[Slate, random.Random], Choice]
"""Chooses at most `slate.k` seats from a slate that has a candidate; all chance comes from the generator given."""

ROUTERS: Final[Mapping[str, Recruit]] = {
    "best_single": best_single.recruit,
    "cheapest": cheapest.recruit,
    "conclave": conclave.recruit,
    "symbolic": symbolic.recruit,
}


def recruiter_for(name: str) -> Recruit:
    """Return a recruiter; raises `NotFound` with near names."""
    recruit = ROUTERS.get(name)
    if recruit is None:
        raise NotFound.named("router", name, ROUTERS)
    return recruit
