"""The fast tagger: the query's nearest skills by meaning. Calls no expert."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from core.calls import Payer
from core.ports import Embedder
from core.profiles import ProfileSet
from core.query import Query
from core.skills import Tags
from routing.skills import FLOOR, TOP, SkillIndex, index_skills
from routing.taggers.signals import signals

_EDGE: Final = 240
_INDICES: Final = 16


class EmbeddingTagger:
    """The port `Tagger`: at most `top` skills at or above the similarity `floor`; none when nothing is near."""

    def __init__(self, embedder: Embedder, *, floor: float = FLOOR, top: int = TOP) -> None:
        self._embedder = embedder
        self._floor = floor
        self._top = top
        self._indices: OrderedDict[tuple[str, str], SkillIndex] = OrderedDict()

    async def tag(self, query: Query, profiles: ProfileSet, payer: Payer | None = None) -> Tags:  # noqa: ARG002 (port)
        """Return the nearest skills of the profile set, heaviest first."""
        features = signals(query.text)
        text = focus(query.text)
        if not text or not profiles.skills:
            return Tags((), "embedding", features)
        index = await self.index(profiles)
        vector = (await self._embedder.embed([text]))[0]
        return Tags(index.nearest(vector, floor=self._floor, top=self._top), "embedding", features)

    async def index(self, profiles: ProfileSet) -> SkillIndex:
        """Return the index over a profile set's skills, embedding them the first time."""
        key = (profiles.pool, profiles.version)
        index = self._indices.get(key)
        if index is None:
            index = await index_skills(profiles.skills, self._embedder)
            self._indices[key] = index
        self._indices.move_to_end(key)
        while len(self._indices) > _INDICES:
            self._indices.popitem(last=False)
        return index


def focus(text: str) -> str:
    """Return what of a text says what is asked: all of it, or the two ends of a long one.

    A question stands before or after what is pasted with it, and the cost of embedding grows with the length.
    """
    text = text.strip()
    return text if len(text) <= 2 * _EDGE else f"{text[:_EDGE]} {text[-_EDGE:]}"
