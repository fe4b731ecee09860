"""`conclave experts`, `conclave pools` and `conclave routers`: what is there, and whether it could work now."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from cli.situation import ConfigOption, configuration_of, settings_with
from cli.terminal import AsJson, print_json, print_table, usd

if TYPE_CHECKING:
    from core.budgets import Budget
    from core.experts import ExpertSpec
    from wiring.configuration.values import Configuration

experts = typer.Typer(help="The experts that can be recruited.", invoke_without_command=True)
pools = typer.Typer(help="The pools that can be asked.", invoke_without_command=True)


@experts.callback()
def _experts(context: typer.Context, config: ConfigOption = None, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is None:
        list_experts(config, as_json)


@experts.command("ls")
def list_experts(config: ConfigOption = None, as_json: AsJson = False) -> None:
    """List experts with kind, model, abilities, price and health."""
    settings = settings_with(config)
    configuration = configuration_of(settings)
    rows = [_expert(configuration, settings.cache, expert) for expert in configuration.catalogue.experts.values()]
    if as_json:
        print_json({"experts": rows})
        return
    columns = ("name", "kind", "model", "abilities", "price", "health")
    print_table(columns, [(*_words(row), row["health"]) for row in rows])


def routers(as_json: AsJson = False) -> None:
    """List the recruiters a pool may name as its router."""
    from routing.recruiters import RECRUITERS

    traits = [method.traits for method in RECRUITERS.values()]
    if as_json:
        print_json({"routers": [asdict(one) for one in traits]})
        return
    rows = [(one.name, f"{one.timing} generation", one.training, one.source) for one in traits]
    print_table(("router", "decides", "learns from", "source"), rows)


@pools.callback()
def _pools(context: typer.Context, config: ConfigOption = None, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is None:
        list_pools(config, as_json)


@pools.command("ls")
def list_pools(config: ConfigOption = None, as_json: AsJson = False) -> None:
    """List pools with their experts, router, strategy, aggregator and budget."""
    configuration = configuration_of(settings_with(config))
    rows = [
        {
            "name": pool.name,
            "experts": list(pool.experts),
            "router": pool.router,
            "k": {"max": pool.k.max, "stop_at": pool.k.stop_at},
            "strategy": pool.strategy,
            "aggregator": pool.aggregator,
            "budget": _budget(pool.budget),
        }
        for pool in configuration.pools.values()
    ]
    if as_json:
        print_json({"pools": rows})
        return
    columns = ("name", "experts", "router", "k", "strategy", "aggregator", "budget")
    print_table(columns, [_pool_words(row) for row in rows])


def health_of(configuration: Configuration, cache: Path, expert: ExpertSpec) -> str:
    """Return `ok`, or what keeps an expert from answering, as far as this machine can tell without calling it."""
    if expert.secret is not None and expert.secret not in configuration.secrets:
        return f"no key configured: set {expert.secret}"
    if expert.kind.value != "hosted":
        return "ok"
    from workers.hosting.artefacts import ArtefactStore

    model = next(model for name, model in configuration.catalogue.models.items() if name == expert.target)
    return ArtefactStore(cache).absent(model) or "ok"


def _expert(configuration: Configuration, cache: Path, expert: ExpertSpec) -> dict[str, Any]:
    from core.money import to_usd

    price = expert.price
    return {
        "name": expert.name,
        "kind": expert.kind.value,
        "model": expert.target,
        "abilities": sorted(expert.abilities),
        "price": {
            "input_per_million_usd": to_usd(price.input_per_million),
            "output_per_million_usd": to_usd(price.output_per_million),
            "per_call_usd": to_usd(price.per_call),
        },
        "health": health_of(configuration, cache, expert),
    }


def _words(row: dict[str, Any]) -> tuple[str, ...]:
    price = row["price"]
    tokens = f"{usd(price['input_per_million_usd'])} in, {usd(price['output_per_million_usd'])} out per million"
    parts = [tokens] if price["input_per_million_usd"] or price["output_per_million_usd"] else []
    parts += [f"{usd(price['per_call_usd'])} a call"] if price["per_call_usd"] else []
    return row["name"], row["kind"], row["model"], ", ".join(row["abilities"]), ", ".join(parts) or "free"


def _pool_words(row: dict[str, Any]) -> tuple[str, ...]:
    budget = ", ".join(f"{name} {value:g}" for name, value in row["budget"].items() if value is not None)
    k = f"up to {row['k']['max']}, stop at {row['k']['stop_at']:g}"
    experts = ", ".join(row["experts"])
    return row["name"], experts, row["router"], k, row["strategy"], row["aggregator"], budget or "none"


def _budget(budget: Budget) -> dict[str, float | None]:
    from core.money import to_usd

    usd_cap = None if budget.micros is None else to_usd(budget.micros)
    return {"usd": usd_cap, "tokens": budget.tokens, "calls": budget.calls, "seconds": budget.seconds}
