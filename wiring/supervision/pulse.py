"""The pulse of a process without a port: a file its event loop touches every second, for health checks to look at."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core.clock import Clock

_EVERY_S = 1.0
ALIVE_S = 10.0
"""A pulse older than this is none."""


def pulse_file(home: Path, role: str) -> Path:
    """Return where a role's pulse is kept."""
    return home / f"{role}.pulse"


async def keep_beating(home: Path, role: str) -> None:
    """Beat until cancelled."""
    file = pulse_file(home, role)
    await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True)
    while True:
        await asyncio.to_thread(file.touch)
        await asyncio.sleep(_EVERY_S)


def pulse_age_s(home: Path, role: str, clock: Clock) -> float | None:
    """Return how long ago a role last beat, or nothing when it never did."""
    try:
        return clock.now().timestamp() - pulse_file(home, role).stat().st_mtime
    except OSError:
        return None
