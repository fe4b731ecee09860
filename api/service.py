"""The life of one API process: starting, open, draining. Its container is built behind the bound socket."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog

from api.auth import Door
from api.meters import Meters
from core.clock import Clock, SystemClock
from core.errors import ConclaveError, ConfigurationError, Unavailable, origin_of
from core.ids import IdSource, UlidSource
from wiring.container import Container

Build = Callable[[], Awaitable[Container]]
"""Makes the container; tried again while it raises a retryable error."""

_RETRY_AT_MOST_S: Final = 5.0
_READY_FRESH_S: Final = 1.0
_READY_WITHIN_S: Final = 5.0
_log = structlog.get_logger(__name__)


class Service:
    """What every route reaches: the container once it is there, the door, the meters."""

    def __init__(self, build: Build, *, clock: Clock | None = None, ids: IdSource | None = None) -> None:
        """Nothing starts before `start`."""
        self.clock = clock or SystemClock()
        self.ids = ids or UlidSource(self.clock)
        self.started_at = int(self.clock.now().timestamp())
        self.meters = Meters()
        self.draining = False
        self.failed: asyncio.Future[ConclaveError] | None = None
        self._build = build
        self._container: Container | None = None
        self._door: Door | None = None
        self._why_not = "starting"
        self._work: list[asyncio.Task[None]] = []
        self._readiness: tuple[float, dict[str, str]] | None = None
        self._asking = asyncio.Lock()

    @property
    def container(self) -> Container:
        """Return the container; raises `Unavailable` while it is being built."""
        if self._container is None:
            raise _starting()
        return self._container

    @property
    def door(self) -> Door:
        """Return the key check; raises `Unavailable` while the container is being built."""
        if self._door is None:
            raise _starting()
        return self._door

    def start(self) -> None:
        """Begin to build the container in the background."""
        self.failed = asyncio.get_running_loop().create_future()
        self._work.append(asyncio.create_task(self._open()))

    async def stop(self) -> None:
        """Give everything back."""
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        door, self._door = self._door, None
        container, self._container = self._container, None
        if door is not None:
            await door.record_use()
        if container is not None:
            await container.aclose()

    async def unready(self) -> dict[str, str]:
        """Return what is not ready, by part, with the reason; empty when requests can be served well."""
        if self.draining:
            return {"api": "stopping"}
        if self._container is None:
            return {"api": self._why_not}
        # One question at a time, and its answer for a second: anyone may ask, and stores have better things to do.
        async with self._asking:
            now = self.clock.monotonic()
            if self._readiness is None or now - self._readiness[0] > _READY_FRESH_S:
                self._readiness = (now, await self._ask(self._container))
            return self._readiness[1]

    async def _ask(self, container: Container) -> dict[str, str]:
        try:
            async with asyncio.timeout(_READY_WITHIN_S):
                return await container.ready()
        except TimeoutError:
            return {"api": f"its parts did not answer within {_READY_WITHIN_S:g} seconds"}
        except ConclaveError as error:
            return {"api": error.message}

    async def _open(self) -> None:
        container = await self._built()
        if container is None:
            return
        pepper = container.settings.key_pepper
        if pepper is None:
            await container.aclose()
            self._fail(ConfigurationError("CONCLAVE_KEY_PEPPER: not set; keys cannot be checked without it"))
            return
        self._door = Door(container.keys, pepper.get_secret_value().encode(), container.clock)
        self._work.append(asyncio.create_task(self._door.tend()))
        self._container = container
        self._work.append(asyncio.create_task(self._warm(container)))
        _log.info("api.open", config_version=container.configuration.version)

    async def _warm(self, container: Container) -> None:
        try:
            await container.warm()
        except ConclaveError as error:
            # Nothing is lost: the first query will try again, and tell its caller.
            _log.warning("api.not_warm", code=error.error_code, reason=error.message)

    async def _built(self) -> Container | None:
        wait = 0.25
        while True:
            try:
                return await self._build()
            except ConclaveError as error:
                if not error.retryable:
                    self._fail(error)
                    return None
                self._why_not = error.message
                _log.warning("api.not_open", code=error.error_code, reason=error.message)
            except Exception as error:  # noqa: BLE001  # a defect while building must stop the process, not hang it
                _log.error("api.defect", kind=type(error).__name__, at=origin_of(error))
                self._fail(ConfigurationError(f"the service could not be put together: {type(error).__name__}"))
                return None
            await asyncio.sleep(wait * (0.5 + random.random()))
            wait = min(_RETRY_AT_MOST_S, wait * 2)

    def _fail(self, error: ConclaveError) -> None:
        self._why_not = error.message
        _log.error("api.failed", code=error.error_code, reason=error.message)
        if self.failed is not None:
            with suppress(asyncio.InvalidStateError):
                self.failed.set_result(error)


def _starting() -> Unavailable:
    return Unavailable("the service is starting; try again in a moment", code="starting", retry_after_s=1.0)
