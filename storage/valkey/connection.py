"""The connections of one process to Valkey: every deadline and every translation of an error."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from redis import exceptions
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from core.errors import ConfigurationError, Unavailable
from storage.valkey.scripts import Script

Argument = str | int | float | bytes

DEADLINE_S = 2.0
"""Seconds a round trip may take, a wait for a free connection included."""

_OUTAGES = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ReadOnlyError,
    exceptions.OutOfMemoryError,
    exceptions.ClusterDownError,
    OSError,
    TimeoutError,
)
# Answers of a server that is there but cannot serve: busy with a script, unable to write its disk, without a master.
_UNABLE = ("BUSY", "MISCONF", "MASTERDOWN", "NOREPLICAS", "LOADING")

_log = structlog.get_logger(__name__)


class Valkey:
    """Runs scripts; made once a process, inside its event loop, and closed with `aclose`.

    At most `connections` are open, however many callers wait: none of them holds one while it waits for results.
    """

    def __init__(self, redis_url: str, *, connections: int = 8, deadline_s: float = DEADLINE_S) -> None:
        """Connect to `redis_url` (redis://, rediss:// or unix://) when first needed."""
        self._deadline_s = deadline_s
        try:
            pool = BlockingConnectionPool.from_url(
                redis_url,
                max_connections=connections,
                # Our own deadline covers waiting, sending and reading at once, for less than three of the library's.
                timeout=None,
                socket_timeout=None,
                socket_connect_timeout=deadline_s,
                decode_responses=True,
                encoding_errors="replace",
                protocol=2,
                # Naming the library to the server would read its metadata from disk inside the event loop.
                driver_info=None,
                # A script is not resent blindly: only its caller knows whether running it twice is harmless.
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError:
            raise ConfigurationError("CONCLAVE_REDIS_URL: not a URL; use redis://host:port/0 or unix:///path") from None
        self._client: Redis = Redis.from_pool(pool)

    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument] = ()) -> Any:
        """Return what `script` returns; raises `Unavailable` when Valkey cannot be reached in time.

        A script the server does not know is loaded first.
        """
        try:
            return await self.run_known(script, keys, arguments)
        except exceptions.NoScriptError:
            await self.load(script)
            return await self.run_known(script, keys, arguments)

    async def run_known(self, script: Script, keys: Sequence[str], arguments: Sequence[Argument] = ()) -> Any:
        """Do as `run`, but raise redis' `NoScriptError` when the server does not know the script."""
        return await self.command("EVALSHA", script.sha, len(keys), *keys, *arguments)

    async def load(self, script: Script) -> None:
        """Make `script` known to the server."""
        await self.command("SCRIPT LOAD", script.source)

    async def command(self, *arguments: Argument) -> Any:
        """Return the answer to one command; raises `Unavailable` when Valkey cannot be reached in time."""
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._client.execute_command(*arguments)  # type: ignore[no-untyped-call]  # redis' own
        except exceptions.NoScriptError:
            raise
        except _OUTAGES as error:
            raise _unavailable(error) from error
        except exceptions.ResponseError as error:
            if str(error).startswith(_UNABLE):
                raise _unavailable(error) from error
            raise

    def listener(self) -> PubSub:
        """Return a subscriber with a connection of its own kind; its user closes it."""
        return self._client.pubsub()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose(close_connection_pool=True)


def _unavailable(error: Exception) -> Unavailable:
    _log.warning("valkey.unavailable", reason=type(error).__name__)
    return Unavailable("Redis cannot be reached; try again shortly", retry_after_s=1.0)
