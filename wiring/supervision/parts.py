"""What a supervisor keeps running, as it sees it: something that starts, may end, and can be stopped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

Ready = Callable[[], Awaitable[bool]]
"""Tells whether a part serves; asked again and again until its deadline."""


class Part(Protocol):
    """One supervised part of an installation."""

    @property
    def name(self) -> str:
        """Name the part, for logs."""
        ...

    async def start(self) -> None:
        """Start and return once it serves; raises a `ConclaveError` when it does not in time. May follow an end."""
        ...

    async def ended(self) -> str:
        """Wait until it ends by itself and say how."""
        ...

    async def stop(self) -> None:
        """Ask it to end, and end it by force after its grace; harmless when it does not run."""
        ...
