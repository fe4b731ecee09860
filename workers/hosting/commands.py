"""The command line of a model's server: filled in, and looked at before anything is started."""

from __future__ import annotations

import shutil
from pathlib import Path

from core.commands import PATH, PORT, fill
from core.experts import ModelSpec, ServerCommand


def command_line(spec: ModelSpec, server: ServerCommand, path: Path | None, port: int) -> list[str]:
    """Return the words to run, with everything filled in."""
    values = {
        PORT: str(port),
        PATH: str(path or ""),
        "context": str(spec.context),
        "slots": str(spec.slots),
        "model": server.served,
    }
    return fill(server.words, values)


def lacking(server: ServerCommand) -> str | None:
    """Return what is not there of a server's program and weights, or nothing; blocks."""
    if shutil.which(server.words[0]) is None:
        return f'no program "{server.words[0]}" can be run here'
    if server.path is not None and not Path(server.path).exists():
        return f"{server.path} is not there"
    return None
