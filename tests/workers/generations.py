"""What a test hears of a generation, whatever engine serves it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from workers.hosting.engine import EngineEvent, EngineModel, Failed, Finished, Stopped, Text

_WAIT_S = 60.0
_names = (f"g{number}" for number in count(1))


@dataclass
class Generation:
    """What a test hears of one generation."""

    name: str
    events: list[EngineEvent] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, event: EngineEvent) -> None:
        self.events.append(event)
        self.news.set()

    async def until(self, *kinds: type[EngineEvent]) -> EngineEvent:
        """Wait for the first event of these kinds."""
        async with asyncio.timeout(_WAIT_S):
            while not (found := [event for event in self.events if isinstance(event, kinds)]):
                self.news.clear()
                await self.news.wait()
        return found[0]

    async def ending(self) -> EngineEvent:
        return await self.until(Finished, Failed, Stopped)

    @property
    def text(self) -> str:
        return "".join(event.text for event in self.events if isinstance(event, Text))

    @property
    def endings(self) -> int:
        return sum(isinstance(event, Finished | Failed | Stopped) for event in self.events)


def begin(model: EngineModel, content: str, **options: Any) -> Generation:
    """Start a generation of at most 24 tokens."""
    generation = Generation(next(_names))
    body = {"messages": [{"role": "user", "content": content}], "max_tokens": 24, "temperature": 0, **options}
    model.start(generation.name, json.dumps(body), generation.hear)
    return generation
