"""The fast tagger: the nearest skills of what a conversation asks now, by meaning. Calls no expert."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from core.calls import Payer
from core.ports import Embedder
from core.profiles import ProfileSet
from core.query import Query
from core.skills import OUT_OF_DOMAIN, Tags
from routing.conversation import subject_of
from routing.skills import FLOOR, TOP, SkillIndex, index_skills
from routing.taggers.signals import signals_of

_INDICES: Final = 16


class EmbeddingTagger:
    """The port `Tagger`: at most `top` skills at or above the profile set's own floor, and never below `floor`.

    A query that is like no skill gets none and the signal `out-of-domain`, so that overall records speak.
    """

    def __init__(self, embedder: Embedder, *, floor: float = FLOOR, top: int = TOP) -> None:
        self._embedder = embedder
        self._floor = floor
        self._top = top
        self._indices: OrderedDict[tuple[str, str], SkillIndex] = OrderedDict()

    async def tag(self, query: Query, profiles: ProfileSet, payer: Payer | None = None) -> Tags:  # noqa: ARG002 (port)
        """Return the nearest skills of the profile set, heaviest first."""
        subject = subject_of(query.messages)
        signals = signals_of(query, subject)
        text = subject.focus
        if not text or not profiles.skills:
            return Tags((), "embedding", signals)
        index = await self.index(profiles)
        vector = (await self._embedder.embed([text]))[0]
        skills = index.nearest(vector, floor=max(self._floor, index.floor), top=self._top)
        return Tags(skills, "embedding", signals if skills else (*signals, OUT_OF_DOMAIN))

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
