"""Every recruiter by the name that a pool's `router` uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.errors import NotFound
from routing.recruiters import (
    all_experts,
    bandit,
    best_single,
    cascade,
    cheapest,
    clusters,
    conclave,
    latency_aware,
    neighbours,
    null_experts,
    panel,
    random_choice,
    symbolic,
    threshold,
    top_p,
    two_step,
)
from routing.recruiters.contract import Method

_MODULES: Final = (
    conclave,
    panel,
    symbolic,
    two_step,
    clusters,
    neighbours,
    threshold,
    cascade,
    bandit,
    null_experts,
    top_p,
    latency_aware,
    best_single,
    cheapest,
    random_choice,
    all_experts,
)

RECRUITERS: Final[Mapping[str, Method]] = {module.METHOD.traits.name: module.METHOD for module in _MODULES}

ROUTERS: Final = frozenset(RECRUITERS)
"""The names a configuration may use."""


def recruiter_for(name: str) -> Method:
    """Return how a recruiter is had; raises `NotFound` with near names."""
    method = RECRUITERS.get(name)
    if method is None:
        raise NotFound.named("router", name, RECRUITERS)
    return method
