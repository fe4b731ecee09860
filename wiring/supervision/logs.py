"""The log files of children: appended to, and rotated before they grow without bound."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MAX_BYTES = 8 * 1024 * 1024
KEPT = 3


def open_log(path: Path) -> int:
    """Return a descriptor that appends to `path`, which only its owner can read."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    rotate(path)
    return os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)


def rotate(path: Path, limit: int = MAX_BYTES) -> bool:
    """Move what is in `path` to `path.1` when it is larger than `limit`; tell whether it was.

    Copies and truncates, because a running child holds the file itself open.
    """
    if not path.exists() or path.stat().st_size <= limit:
        return False
    for number in range(KEPT - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{number + 1}"))
    shutil.copy2(path, path.with_name(f"{path.name}.1"))
    os.truncate(path, 0)
    return True


def last_lines(path: Path, count: int) -> str:
    """Return the last lines of a log on one line, to be told to a person."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return "it left no log"
    said = [line.strip() for line in lines if line.strip()][-count:]
    return " | ".join(said)[-600:] or "it said nothing"
