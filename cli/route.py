"""`conclave route`: which experts a question would be given to, and why, without asking any."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.situation import ConfigOption, configure_logging, settings_with
from cli.terminal import AsJson, picked, print_json

if TYPE_CHECKING:
    from core.settings import Settings


def route(
    question: Annotated[str, typer.Argument(help="The question.", show_default=False)],
    pool: Annotated[str, typer.Option("--pool", "-p", help="A pool, or pool/strategy.")] = "default",
    k: Annotated[int | None, typer.Option("--k", min=1, help="At most so many experts.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Makes sampling repeatable.")] = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Show the decision for a question; no expert is called."""
    settings = settings_with(config)
    configure_logging(settings, quiet=True)
    wishes = {name: value for name, value in (("k", k), ("seed", seed)) if value is not None}
    body = {"model": pool, "messages": [{"role": "user", "content": question}], "conclave": wishes}
    found = asyncio.run(_route(settings, body))
    if as_json:
        print_json(picked(found, "model", "skills", "decision"))
        return
    from cli.explaining import draw

    draw(found)


async def _route(settings: Settings, body: dict[str, Any]) -> dict[str, Any]:
    from cli.client import Client
    from cli.reaching import reachable_service

    async with reachable_service(settings, roles=("api",)) as endpoint, Client(endpoint) as client:
        return await client.post("/v1/route", body)
