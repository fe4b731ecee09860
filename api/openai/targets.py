"""What a request's `model` names: a pool, a pool with a strategy, or one expert."""

from __future__ import annotations

from dataclasses import replace

from core.errors import InvalidRequest, NotFound
from core.experts import ExpertSpec
from core.pools import PoolSpec
from wiring.configuration.names import Names
from wiring.configuration.values import Configuration

EXPERT_PREFIX = "expert/"
_STRATEGIES = tuple(sorted(Names().strategies))


def find_target(model: str, configuration: Configuration, strategy: str | None = None) -> PoolSpec | ExpertSpec:
    """Return who `model` names; raises `NotFound` with near names. `strategy` is the request's own wish."""
    if model.startswith(EXPERT_PREFIX):
        if strategy is not None:
            raise InvalidRequest("a single expert has no strategy; ask a pool", param="conclave.strategy")
        return configuration.expert(model[len(EXPERT_PREFIX) :])
    pool_name, slash, in_model = model.partition("/")
    if slash and pool_name not in configuration.pools:
        raise NotFound.named("model", model, model_names(configuration), param="model")
    pool = configuration.pool(pool_name)
    if slash:
        pool = replace(pool, strategy=_strategy(in_model, "model"))
    if strategy is not None:
        pool = replace(pool, strategy=_strategy(strategy, "conclave.strategy"))
    return pool


def model_names(configuration: Configuration) -> list[str]:
    """Return every name `model` can take, in a stable order: pools, pools with a strategy, experts."""
    pools = sorted(configuration.pools)
    return [
        *pools,
        *(f"{pool}/{strategy}" for pool in pools for strategy in _STRATEGIES),
        *(f"{EXPERT_PREFIX}{expert}" for expert in sorted(configuration.catalogue.experts)),
    ]


def _strategy(name: str, param: str) -> str:
    if name not in _STRATEGIES:
        raise NotFound.named("strategy", name, _STRATEGIES, param=param)
    return name
