"""Who is alive in a process group."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from tests.workers.waiting import until


def members(group: int) -> dict[int, str]:
    """The processes of a group by id, with their command lines; those that have ended do not count."""
    found: dict[int, str] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, pgrp = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[:3]
            if int(pgrp) == group and state != "Z":
                found[int(entry.name)] = (entry / "cmdline").read_text("utf-8", "replace").replace("\0", " ")
    return found


def is_running(word: str) -> bool:
    """Whether a process has this word in its command line."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if word in (entry / "cmdline").read_text("utf-8", "replace"):
                return True
    return False


def kill_program(group: int, named: str, number: int) -> None:
    """Send a signal to the Python program of a group whose script has this name."""
    (pid,) = (pid for pid, line in members(group).items() if named in line and not line.startswith("/bin/sh"))
    os.kill(pid, number)


async def until_empty(group: int) -> None:
    """Wait until nobody of a group is alive."""

    async def look() -> bool:
        return not members(group)

    await until(look)
