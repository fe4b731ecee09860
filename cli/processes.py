"""The parts of a service as single processes: what `serve` supervises, and what compose files and units start."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING

import typer

from cli.situation import ConfigOption, HostOption, PortOption, configure_logging, settings_with
from cli.terminal import AsJson, print_json, say
from core.errors import ConfigurationError

if TYPE_CHECKING:
    from core.settings import Settings
    from wiring.container import Container


def api(config: ConfigOption = None, host: HostOption = None, port: PortOption = None) -> None:
    """Serve the HTTP API; needs a database, Redis and the pepper of API keys."""
    settings = _supervised(settings_with(config, host, port))
    from api.serve import run_api

    async def build() -> Container:
        # Importing the graph takes seconds: in a thread, /health/live answers meanwhile.
        building = await asyncio.to_thread(import_module, "wiring.build")
        container: Container = await building.build_container(settings)
        return container

    run_api(settings, build)


def worker(config: ConfigOption = None) -> None:
    """Run durable work and the periodic sweeps."""
    settings = _supervised(settings_with(config))
    from workers.entry import run_worker

    raise typer.Exit(run_worker(settings))


def host(config: ConfigOption = None) -> None:
    """Load local models and serve them in turns."""
    settings = _supervised(settings_with(config))
    from workers.entry import run_host

    raise typer.Exit(run_host(settings))


def migrate(as_json: AsJson = False) -> None:
    """Bring the database of CONCLAVE_DATABASE_URL to the newest schema."""
    from wiring.stores import migrate_database

    asyncio.run(migrate_database(_database_url(settings_with())))
    if as_json:
        print_json({"migrated": True})
    else:
        say("the database is at the newest schema")


def prepare() -> None:
    """Migrate, and make sure that the first key is there: what `serve` runs before its parts."""
    settings = _supervised(settings_with())
    asyncio.run(_prepare(settings))


async def _prepare(settings: Settings) -> None:
    from core.clock import SystemClock
    from core.ids import UlidSource
    from wiring.stores import migrate_database, open_keys
    from wiring.supervision.secrets import ensure_first_key

    url, clock = _database_url(settings), SystemClock()
    if settings.key_pepper is None:
        raise ConfigurationError("CONCLAVE_KEY_PEPPER: not set; set it, or name a file in CONCLAVE_KEY_PEPPER_FILE")
    await migrate_database(url)
    async with open_keys(url) as keys:
        await ensure_first_key(settings.home, keys, settings.key_pepper.get_secret_value(), clock, UlidSource(clock))


def _database_url(settings: Settings) -> str:
    if settings.database_url is None:
        raise ConfigurationError("CONCLAVE_DATABASE_URL: not set; only `conclave serve` starts a database by itself")
    return settings.database_url.get_secret_value()


def _supervised(settings: Settings) -> Settings:
    """Tie this process to its supervisor, if it has one, before anything heavy is imported."""
    from wiring.supervision.parent import die_with_parent

    die_with_parent()
    configure_logging(settings)
    return settings
