"""`conclave keys`: who may call. They live in the database, which is started for the moment when nothing runs."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.situation import configure_logging, settings_with
from cli.terminal import AsJson, print_json, print_table
from core.errors import ConfigurationError, InvalidRequest

if TYPE_CHECKING:
    from core.budgets import Budget
    from core.keys import ApiKey
    from core.settings import Settings

app = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Option("--name", help="Whom the key is for.")] = "unnamed",
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="What it may do, run when left out; repeat for several.")
    ] = None,
    usd: Annotated[float | None, typer.Option("--usd", min=0, help="The most it may ever spend.")] = None,
    concurrency: Annotated[int | None, typer.Option("--concurrency", min=1, help="Requests at once.")] = None,
    days: Annotated[float | None, typer.Option("--days", min=0, help="Days until it expires.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key; it is shown this once."""
    from core.budgets import Budget
    from core.keys import SCOPES
    from core.money import Micros, from_usd

    scopes = frozenset(scope or ("run",))
    if not scopes <= SCOPES:
        raise InvalidRequest(
            f"unknown scope {', '.join(sorted(scopes - SCOPES))}; known are {', '.join(sorted(SCOPES))}"
        )
    budget = Budget(micros=None if usd is None else Micros(from_usd(usd)))
    key, shown = asyncio.run(_create(_settings(), name, scopes, budget, concurrency, days))
    if as_json:
        print_json(_row(key) | {"key": shown})
    else:
        typer.echo(shown)


@app.command("ls")
def list_keys(as_json: AsJson = False) -> None:
    """List keys, newest first; what is stored of a key is not enough to use it."""
    from core.clock import SystemClock

    found = asyncio.run(_all(_settings()))
    rows = [_row(key) | {"usable": key.usable(SystemClock().now())} for key in found]
    if as_json:
        print_json({"keys": rows})
        return
    columns = ("id", "name", "scopes", "concurrency", "budget_usd", "created_at", "expires_at", "revoked_at")
    print_table(columns, [[_cell(row[column]) for column in columns] for row in rows])


@app.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id.", show_default=False)], as_json: AsJson = False
) -> None:
    """Make a key useless; running services notice within five seconds."""
    asyncio.run(_revoke(_settings(), key_id))
    if as_json:
        print_json({"id": key_id, "revoked": True})
    else:
        typer.echo(f"revoked {key_id}")


def _settings() -> Settings:
    settings = settings_with()
    configure_logging(settings, quiet=True)
    return settings


async def _create(
    settings: Settings,
    name: str,
    scopes: frozenset[str],
    budget: Budget,
    concurrency: int | None,
    days: float | None,
) -> tuple[ApiKey, str]:
    from core.clock import SystemClock
    from core.ids import KeyId, UlidSource
    from core.keys import mint_key
    from wiring.stores import open_keys, reachable_database

    clock = SystemClock()
    expires: datetime | None = None if days is None else clock.now() + timedelta(days=days)
    key, shown = mint_key(
        KeyId(UlidSource(clock).new()),
        name,
        _pepper(settings),
        clock.now(),
        scopes=scopes,
        expires_at=expires,
        concurrency=concurrency,
        budget=budget,
    )
    async with reachable_database(settings) as url, open_keys(url) as keys:
        await keys.add(key)
    return key, shown


async def _all(settings: Settings) -> list[ApiKey]:
    from wiring.stores import open_keys, reachable_database

    async with reachable_database(settings) as url, open_keys(url) as keys:
        return list(await keys.all())


async def _revoke(settings: Settings, key_id: str) -> None:
    from core.ids import KeyId
    from wiring.stores import open_keys, reachable_database

    async with reachable_database(settings) as url, open_keys(url) as keys:
        await keys.revoke(KeyId(key_id))


def _pepper(settings: Settings) -> bytes:
    """Return the pepper of the service that will check the key: the configured one, or this home's own."""
    from wiring.supervision.secrets import ensure_pepper, read_secret

    if settings.key_pepper is not None:
        return settings.key_pepper.get_secret_value().encode()
    if settings.database_url is not None:
        raise ConfigurationError("CONCLAVE_KEY_PEPPER: not set; a key must be made with the pepper of its service")
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    return (read_secret(ensure_pepper(settings.home)) or "").encode()


def _row(key: ApiKey) -> dict[str, Any]:
    from core.money import to_usd

    return {
        "id": key.id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "concurrency": key.concurrency,
        "budget_usd": None if key.budget.micros is None else to_usd(key.budget.micros),
        "created_at": _moment(key.created_at),
        "expires_at": _moment(key.expires_at),
        "revoked_at": _moment(key.revoked_at),
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(item) for item in value)
    return "-" if value is None else str(value)
