"""An embedded PostgreSQL or Valkey as a supervised part."""

from __future__ import annotations

import asyncio
from typing import Protocol

_POLL_S = 0.5


class EmbeddedServer(Protocol):
    """What wiring/embedded offers; its methods block."""

    @property
    def running(self) -> bool:
        """Whether the server was started and has not ended."""
        ...

    def start(self) -> str:
        """Start it and return its URL."""
        ...

    def stop(self) -> None:
        """Stop it."""
        ...


class ServerPart:
    """Supervises an embedded server; its URL stays the same over restarts."""

    def __init__(self, name: str, server: EmbeddedServer) -> None:
        """Prepare; nothing is started yet."""
        self._name = name
        self._server = server
        self.url = ""

    @property
    def name(self) -> str:
        """Name the part, for logs."""
        return self._name

    async def start(self) -> None:
        """Start the server and wait until it answers."""
        self.url = await asyncio.to_thread(self._server.start)

    async def ended(self) -> str:
        """Wait until the server ends."""
        # A process of another parent, a shell: there is no event to wait for.
        while await asyncio.to_thread(lambda: self._server.running):  # noqa: ASYNC110
            await asyncio.sleep(_POLL_S)
        return "ended"

    async def stop(self) -> None:
        """Stop the server."""
        await asyncio.to_thread(self._server.stop)
