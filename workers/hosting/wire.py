"""What a host and its engine process say to each other: one JSON array a line, over pipes."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass

from workers.hosting.engine import EngineEvent, Failed, Finished, Progress, Stopped, Text, ToolPart


@dataclass(frozen=True, slots=True)
class Start:
    """To the engine: generate from a chat-completion request."""

    body: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """To the engine: stop a generation."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """From the engine, first: the model is in memory and the process takes this many bytes."""

    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Unloadable:
    """From the engine, first and last: the file cannot be loaded."""

    reason: str


Line = Start | Cancel | Loaded | Unloadable | EngineEvent

_KINDS: dict[str, type[Line]] = {
    kind.__name__.lower(): kind
    for kind in (Start, Cancel, Loaded, Unloadable, Text, ToolPart, Progress, Finished, Failed, Stopped)
}


def encode(generation: str, line: Line) -> bytes:
    """Return a line about a generation, or about the engine itself when the name is empty."""
    return json.dumps([generation, type(line).__name__.lower(), *astuple(line)]).encode("ascii") + b"\n"


def decode(data: bytes) -> tuple[str, Line]:
    """Read a line that `encode` wrote."""
    generation, kind, *values = json.loads(data)
    return generation, _KINDS[kind](*values)
