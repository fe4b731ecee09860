"""Finding the service a verb talks to: the one named, the one that runs here, or one started for the moment."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.situation import configuration_of
from cli.terminal import say
from core.errors import ConfigurationError

if TYPE_CHECKING:
    from core.settings import Settings


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service answers and the key to use."""

    url: str
    key: str


@asynccontextmanager
async def reachable_service(settings: Settings, roles: Sequence[str] | None = None) -> AsyncIterator[Endpoint]:
    """Yield a service: of CONCLAVE_URL, the one running on this home, or one with `roles` started meanwhile."""
    from core.clock import SystemClock
    from wiring.supervision.installation import EVERYTHING, Installation
    from wiring.supervision.lock import running_service

    record = running_service(settings.home)
    if settings.url is not None or record is not None:
        url = settings.url or (record.url if record else "")
        yield Endpoint(url.rstrip("/").removesuffix("/v1"), _key(settings))
        return
    say("no service is running here; starting one for this command")
    # Any free port: nobody else is to know about this one.
    passing = settings.model_copy(update={"host": "127.0.0.1", "port": 0})
    async with Installation(passing, configuration_of(settings), SystemClock(), say, roles or EVERYTHING) as mine:
        serving = await mine.start()
        yield Endpoint(serving.url, _key(settings))


@asynccontextmanager
async def running_parts(settings: Settings, roles: Sequence[str]) -> AsyncIterator[Settings]:
    """Yield settings with the URLs of stores beside which `roles` run: the service's here, or started meanwhile."""
    from core.clock import SystemClock
    from wiring.supervision.installation import Installation
    from wiring.supervision.lock import running_service

    record = running_service(settings.home)
    if record is not None:
        yield _with_stores(settings, record.database_url, record.redis_url)
        return
    async with Installation(settings, configuration_of(settings), SystemClock(), say, roles) as mine:
        await mine.start()
        yield _with_stores(settings, mine.database_url, mine.redis_url)


def _with_stores(settings: Settings, database_url: str, redis_url: str) -> Settings:
    from pydantic import SecretStr

    urls = {"database_url": SecretStr(database_url), "redis_url": SecretStr(redis_url)}
    return settings.model_copy(update=urls)


def _key(settings: Settings) -> str:
    from wiring.supervision.secrets import FIRST_KEY, read_secret

    if settings.api_key is not None:
        return settings.api_key.get_secret_value()
    path = settings.home / FIRST_KEY
    key = read_secret(path)
    if key is None:
        raise ConfigurationError(f"no API key: set CONCLAVE_API_KEY, or put one in {path}")
    return key
