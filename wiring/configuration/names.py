"""The names a configuration may use for parts that are chosen by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Names:
    """What can be chosen: the keys of the rooms' registries, repeated here so that a check imports none of them."""

    routers: frozenset[str] = frozenset(
        {"conclave", "panel", "symbolic", "two_step", "clusters", "neighbours", "threshold", "cascade", "bandit"}
        | {"null_experts", "top_p", "latency_aware", "best_single", "cheapest", "random", "all"}
    )
    strategies: frozenset[str] = frozenset({"panel"})
    aggregators: frozenset[str] = frozenset({"auto", "vote", "synthesis", "best_of"})
    taggers: frozenset[str] = frozenset({"embedding", "keywords"})
    tools: frozenset[str] = frozenset({"calculator"})
    scripts: frozenset[str] = frozenset(
        {"echo", "yes", "slow", "hang", "stall", "decline", "fail", "break", "limited", "recover"}
    )
