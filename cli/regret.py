"""`conclave regret`: how the running service's routers do beside constants."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.reaching import ask_service
from cli.terminal import AsJson, print_json, print_table, say
from core.errors import NotFound


def regret(
    pool: Annotated[str | None, typer.Option("--pool", "-p", help="One pool only.", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Show what constant routers gain over each pool's router, by the vote's own estimate."""
    found = ask_service(lambda client: client.get("/v1/regret"))["data"]
    names = [row["id"] for row in found]
    if pool is not None and pool not in names:
        raise NotFound.named("pool", pool, names)
    told = [row for row in found if pool in (None, row["id"])]
    if as_json:
        print_json({"pools": told})
        return
    for row in told:
        if not row["constants"]:
            say(f"{row['id']}: {_why_nothing(row)}")
    lines = [_words(row, constant) for row in told for constant in row["constants"]]
    if lines:
        print_table(("pool", "router", "constant", "gain, 95 %", "samples", "cost", "verdict"), lines)


def _words(row: dict[str, Any], constant: dict[str, Any]) -> tuple[str, ...]:
    gain = f"{constant['gain']:+.3f} ({constant['low']:+.3f} to {constant['high']:+.3f})"
    cost = "-" if constant["cost_ratio"] is None else f"{constant['cost_ratio']:.2f} x"
    verdict = f"the router loses, lately by {constant['lately']:.3f}" if constant["losing"] else "-"
    if row["routed_by"] == constant["constant"] != row["router"]:
        verdict += "; it stands in"
    return row["id"], row["router"], constant["constant"], gain, str(constant["samples"]), cost, verdict


def _why_nothing(row: dict[str, Any]) -> str:
    return "no samples yet" if row["shadow"]["share"] else "not shadowed (pools.*.shadow.share is 0)"
