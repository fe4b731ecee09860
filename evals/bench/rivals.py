"""What another router's package takes for the same decision with the same encoder, where it is installed.

It is no dependency of ours: `pip install semantic-router` beside Conclave before `bench route`. RouteLLM's routers
fetch their weights from a hub, so that nothing of them can be timed from the package alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from core.ports import Embedder
from core.skills import Skill


async def semantic_router_s(skills: Sequence[Skill], embedder: Embedder, texts: Sequence[str]) -> list[float]:
    """Return the seconds semantic-router takes to route each text to one of the skills; none when it is not there.

    Its routes are the skills with their examples as utterances.
    """
    if find_spec("semantic_router") is None:
        return []
    from semantic_router import IndexedRouter, Route
    from semantic_router.encoders import DenseEncoder

    loop = asyncio.get_running_loop()

    class Ours(DenseEncoder):  # type: ignore[misc]  # a class of a package that need not be there
        """The embedder that our own decisions use."""

        name: str = embedder.name

        def __call__(self, docs: list[Any]) -> list[list[float]]:
            """Embed the utterances, from the thread that builds the index."""
            return asyncio.run_coroutine_threadsafe(embedder.embed(docs), loop).result()

        async def acall(self, docs: list[Any]) -> list[list[float]]:
            """Embed a query."""
            return await embedder.embed(docs)

    routes = [Route(name=skill.name, utterances=list(skill.examples)) for skill in skills if skill.examples]
    router = await asyncio.to_thread(IndexedRouter, Ours(), routes)
    taken = []
    for text in texts:
        started = time.perf_counter()
        await router.acall(text)
        taken.append(time.perf_counter() - started)
    return taken
