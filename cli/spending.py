"""`conclave usage` and `conclave budgets`: what was spent, and what keys may spend yet."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from cli.reaching import ask_service
from cli.terminal import AsJson, print_json, print_table, usd

_SUMS = ("calls", "input_tokens", "output_tokens", "cached_tokens", "cost_usd")


def usage(
    by: Annotated[str, typer.Option("--by", help="Any of key, pool, expert, outcome, day; commas between.")] = (
        "pool,expert"
    ),
    since: Annotated[
        str | None, typer.Option("--since", help="A date or a time; 30 days ago when left out.", show_default=False)
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="A date or a time; now when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the running service's calls used and cost."""
    wanted = {name: value for name, value in (("by", by), ("since", since), ("until", until)) if value is not None}
    told = ask_service(lambda client: client.get(f"/v1/usage?{urlencode(wanted)}"))
    if as_json:
        print_json({"usage": told["data"], "total": told["total"]})
        return
    groups = [name for name in by.split(",") if name]
    lines = [*told["data"], told["total"] | dict.fromkeys(groups, "") | ({groups[0]: "(all)"} if groups else {})]
    print_table((*groups, "calls", "in", "out", "cached", "cost"), [_words(line, groups) for line in lines])


def budgets(as_json: AsJson = False) -> None:
    """Show what keys may spend, have spent, and hold for what is under way."""
    found = ask_service(lambda client: client.get("/v1/budgets"))["data"]
    if as_json:
        print_json({"budgets": found})
        return
    rows = [
        (row["key"], row["name"], _money(row["cap"]["usd"]), _spend(row["spent"]), _spend(row["held"])) for row in found
    ]
    print_table(("key", "name", "cap", "spent", "held"), rows)


def _words(line: dict[str, Any], groups: list[str]) -> tuple[str, ...]:
    told = ["-" if line[name] is None else str(line[name]) for name in groups]
    return (*told, *(f"{line[name]:,}" for name in _SUMS[:-1]), usd(line["cost_usd"]))


def _money(amount: float | None) -> str:
    return "none" if amount is None else usd(amount)


def _spend(spend: dict[str, Any] | None) -> str:
    return "-" if spend is None else f"{usd(spend['usd'])}, {spend['tokens']:,} tokens, {spend['calls']:,} calls"
