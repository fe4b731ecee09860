"""The port of an engine: load a model, start generations, hear what comes of them, cancel, unload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.experts import ModelSpec


@dataclass(frozen=True, slots=True)
class Text:
    """The next characters of a reply."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolPart:
    """The next part of a tool call; id and name come with the first part of each index."""

    index: int
    id: str | None
    name: str | None
    arguments: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The prompt is being read: a sign of life, nothing to show."""


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a reply, in the OpenAI words. `mean_logprob` is there when the request asked for log-probabilities."""

    finish: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    mean_logprob: float | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The end of a generation that could not be served; `code` is one of `core.errors`."""

    code: str
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True)
class Stopped:
    """The end of a cancelled generation: its slot is free."""


Ending = Finished | Failed | Stopped
"""The last event of a generation; exactly one comes, whatever happens."""

EngineEvent = Text | ToolPart | Progress | Ending
"""What is heard of a generation."""

Sink = Callable[[EngineEvent], None]
"""Takes events, in order, in the event loop that loaded the model; must not block."""


class EngineModel(Protocol):
    """A model in memory."""

    @property
    def memory_bytes(self) -> int:
        """Return what it takes, as last measured."""
        ...

    @property
    def alive(self) -> bool:
        """Return whether it can still serve."""
        ...

    def start(self, generation: str, body: str, sink: Sink) -> None:
        """Begin a generation from a chat-completion request as JSON text; at most the spec's `slots` at a time."""
        ...

    def cancel(self, generation: str) -> None:
        """Ask a generation to stop; its ending follows within one batch of prompt tokens. Harmless when it is over."""
        ...

    async def close(self) -> None:
        """Free the memory; generations still running end as `Failed`."""
        ...


class Engine(Protocol):
    """Loads models."""

    async def load(self, path: Path | None, spec: ModelSpec, adapters: Sequence[Path] = ()) -> EngineModel:
        """Load a model, from `path` when it has one, with its adapters, all off until a request chooses one.

        Raises `ConfigurationError` with the reason when it cannot be.
        """
        ...
