"""Finding the service a verb talks to: the one named, the one that runs here, or one started for the moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cli.situation import configuration_of, settings_with
from cli.terminal import say
from core.errors import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from cli.client import Client
    from core.settings import Settings
    from wiring.supervision.installation import Installation
    from wiring.supervision.lock import ServiceRecord

# A service is up in some ten seconds, and takes half a minute at most to stop.
_PATIENCE_S = 60.0
_LOOK_S = 0.25
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a service answers and the key to use."""

    url: str
    key: str


@asynccontextmanager
async def reachable_service(settings: Settings, roles: Sequence[str] | None = None) -> AsyncIterator[Endpoint]:
    """Yield a service: of CONCLAVE_URL, the one running on this home, or one with `roles` started meanwhile."""
    from wiring.supervision.installation import EVERYTHING, Installation

    if settings.url is not None:
        yield _named_service(settings, settings.url)
        return
    # Any free port: nobody else is to know about this one.
    passing = settings.model_copy(update={"host": "127.0.0.1", "port": 0})
    async with AsyncExitStack() as stack:
        service = await _found_or_taken(passing, roles or EVERYTHING, stack)
        if isinstance(service, Installation):
            say("no service is running here; starting one for this command")
            yield _endpoint(settings, (await service.start()).url)
        else:
            yield _endpoint(settings, service.url)


def found_service(settings: Settings) -> Endpoint:
    """Return the service of CONCLAVE_URL, or the one running on this home; raises `Unavailable` when there is none."""
    from wiring.supervision.lock import running_service

    if settings.url is not None:
        return _named_service(settings, settings.url)
    record = running_service(settings.home)
    if record is None:
        raise Unavailable(
            f"no service is running on {settings.home}; start it with `conclave serve`, or name one in CONCLAVE_URL"
        )
    return _endpoint(settings, record.url)


def ask_service(ask: Callable[[Client], Awaitable[dict[str, Any]]]) -> dict[str, Any]:
    """Return what the running service answers within half a minute; raises `Unavailable` when none runs."""
    from cli.client import Client

    async def asked() -> dict[str, Any]:
        async with Client(found_service(settings_with()), total_s=30.0) as client:
            return await ask(client)

    return asyncio.run(asked())


@asynccontextmanager
async def running_parts(settings: Settings, roles: Sequence[str]) -> AsyncIterator[Settings]:
    """Yield settings with the URLs of stores beside which `roles` run: the service's here, or started meanwhile."""
    from wiring.supervision.installation import Installation

    async with AsyncExitStack() as stack:
        service = await _found_or_taken(settings, roles, stack)
        if isinstance(service, Installation):
            await service.start()
        yield _with_stores(settings, service.database_url, service.redis_url)


async def _found_or_taken(
    settings: Settings, roles: Sequence[str], stack: AsyncExitStack
) -> ServiceRecord | Installation:
    """Return the service that runs on the home, or the home itself, taken until `stack` ends.

    Waits while another process starts or stops there.
    """
    from core.clock import SystemClock
    from wiring.supervision.installation import Installation
    from wiring.supervision.lock import ALREADY_RUNNING, running_service

    clock = SystemClock()
    deadline, told = clock.monotonic() + _PATIENCE_S, False
    while True:
        record = running_service(settings.home)
        if record is not None:
            return record
        try:
            return await stack.enter_async_context(
                Installation(settings, configuration_of(settings), clock, say, roles)
            )
        except ConfigurationError as error:
            if error.error_code != ALREADY_RUNNING or clock.monotonic() > deadline:
                raise
        if not told:
            say("waiting for the service that starts or stops here")
            told = True
        await asyncio.sleep(_LOOK_S)


def _named_service(settings: Settings, url: str) -> Endpoint:
    if settings.api_key is None and urlsplit(url).hostname not in _THIS_MACHINE:
        # The key of this home opens this home's service, and is for nobody else to see.
        raise ConfigurationError("CONCLAVE_URL names another machine: set CONCLAVE_API_KEY to a key of its service")
    return _endpoint(settings, url)


def _endpoint(settings: Settings, url: str) -> Endpoint:
    return Endpoint(url.rstrip("/").removesuffix("/v1"), _key(settings))


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
