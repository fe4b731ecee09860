"""`conclave ask`: one question, answered by the running service or one started for the moment."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.situation import ConfigOption, configuration_of, configure_logging, settings_with
from cli.terminal import AsJson, print_json
from core.errors import InvalidRequest

if TYPE_CHECKING:
    from core.settings import Settings


def ask(
    question: Annotated[str, typer.Argument(help="The question, or - to read it from stdin.", show_default=False)],
    pool: Annotated[str, typer.Option("--pool", "-p", help="A pool, pool/strategy, or expert/<name>.")] = "default",
    explain: Annotated[bool, typer.Option("--explain", help="Show skills, decision, thoughts and cost.")] = False,
    usd: Annotated[float | None, typer.Option("--usd", help="The most it may cost, in dollars; more than 0.")] = None,
    k: Annotated[int | None, typer.Option("--k", min=1, help="At most so many experts.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Makes sampling repeatable.")] = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Ask a question; the answer is streamed to stdout."""
    text = sys.stdin.read() if question == "-" else question
    if not text.strip():
        raise InvalidRequest("the question is empty")
    if usd is not None and not usd > 0:
        raise InvalidRequest("--usd must be more than 0; leave it out to ask within the pool's budget")
    wishes: dict[str, Any] = {"explain": True}
    if usd is not None:
        wishes["budget"] = {"usd": usd}
    wishes |= {name: value for name, value in (("k", k), ("seed", seed)) if value is not None}
    settings = settings_with(config)
    configure_logging(settings, quiet=True)
    body = {"model": pool, "messages": [{"role": "user", "content": text}], "conclave": wishes}
    found = asyncio.run(_ask(settings, body, stream=not (explain or as_json)))
    if as_json:
        print_json(found)
    elif explain:
        from cli.explaining import draw

        draw(found, _cap_usd(settings, pool, usd))


async def _ask(settings: Settings, body: dict[str, Any], *, stream: bool) -> dict[str, Any]:
    from cli.client import Client
    from cli.reaching import reachable_service

    async with reachable_service(settings) as endpoint, Client(endpoint) as client:
        if not stream:
            answer = await client.post("/v1/chat/completions", body)
            return _explained(answer)
        async for chunk in client.stream("/v1/chat/completions", body | {"stream": True}):
            for choice in chunk.get("choices", ()):
                typer.echo(choice["delta"].get("content") or choice["delta"].get("refusal") or "", nl=False)
        typer.echo()
    return {}


def _cap_usd(settings: Settings, pool: str, usd: float | None) -> float | None:
    """Return the most the question could have cost, as far as the configuration here tells."""
    from core.ids import PoolName
    from core.money import to_usd

    if settings.url is not None:
        return usd
    spec = configuration_of(settings).pools.get(PoolName(pool.partition("/")[0]))
    caps = [usd, None if spec is None or spec.budget.micros is None else to_usd(spec.budget.micros)]
    return min((cap for cap in caps if cap is not None), default=None)


def _explained(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the `conclave` object of a completion; one expert's own answer has no decision."""
    told: dict[str, Any] = dict(answer.get("conclave") or {})
    message = answer["choices"][0]["message"]
    told.setdefault("answer", message.get("content") or message.get("refusal") or "")
    return told
