"""The slow tagger: an expert names the skills, five times, and what it said more than once counts.

Source: Symbolic-MoE (arXiv 2503.05641), keyword annotation by self-consistency; the wording of the prompt is our own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import structlog

from core.calls import Call, Payer
from core.errors import BudgetExceeded, ConclaveError
from core.ids import ExpertName, SkillName
from core.messages import Message, Role, Sampling
from core.ports import Embedder, Gateway
from core.profiles import ProfileSet
from core.query import Query
from core.skills import OUT_OF_DOMAIN, SkillTag, Tags
from routing.conversation import focus_of
from routing.taggers.embedding import EmbeddingTagger

SAMPLES: Final = 5
TEMPERATURE: Final = 0.7
LONGEST: Final = 20
_LABEL: Final = "keywords:"
_SEEDS: Final = 2**31

_log = structlog.get_logger(__name__)


class KeywordTagger:
    """The port `Tagger`: keywords by vote, each replaced by its nearest skill.

    Every sample is paid by the payer's purse. With nobody to pay, or when no sample came back, the query is tagged by
    its embedding instead, and the signals say so. Unlike the paper, a keyword that is like no skill is dropped.
    """

    def __init__(self, gateway: Gateway, expert: ExpertName, embedder: Embedder, fallback: EmbeddingTagger) -> None:
        self._gateway = gateway
        self._expert = expert
        self._embedder = embedder
        self._fallback = fallback

    async def tag(self, query: Query, profiles: ProfileSet, payer: Payer | None = None) -> Tags:
        """Return the skills the expert's keywords lead to, heaviest first."""
        tags = await self._fallback.tag(query, profiles)
        text = focus_of(query.messages)
        if payer is None or not text or not profiles.skills:
            return tags if payer else replace(tags, signals=(*tags.signals, "keywords:unpaid"))
        replies = [reply for reply in await self._samples(query, text, payer) if reply is not None]
        if not replies:
            return replace(tags, signals=(*tags.signals, "keywords:failed"))
        keywords = voted(replies)
        if not keywords:
            return Tags((), "keywords", tags.signals)
        # What the expert said of the query is nearer to it than its embedding.
        skills = await self._matched(keywords, profiles)
        signals = tuple(signal for signal in tags.signals if signal != OUT_OF_DOMAIN)
        return Tags(skills, "keywords", signals if skills else (*signals, OUT_OF_DOMAIN))

    async def _samples(self, query: Query, text: str, payer: Payer) -> list[str | None]:
        seeds = [None if query.seed is None else (query.seed + at) % _SEEDS for at in range(SAMPLES)]
        return list(await asyncio.gather(*(self._sample(query, text, payer, seed) for seed in seeds)))

    async def _sample(self, query: Query, text: str, payer: Payer, seed: int | None) -> str | None:
        call = Call(
            expert=self._expert,
            messages=prompt(text),
            purse=payer.purse,
            run_id=payer.run_id,
            key_id=payer.key_id,
            sampling=Sampling(temperature=TEMPERATURE, max_tokens=64, seed=seed),
            persona=False,
            batch=query.batch,
            constraints=query.constraints,
        )
        try:
            return (await self._gateway.complete(call)).text
        except BudgetExceeded:
            return None
        except ConclaveError as error:
            _log.info("tagger.sample_failed", expert=self._expert, code=error.error_code)
            return None

    async def _matched(self, keywords: list[str], profiles: ProfileSet) -> tuple[SkillTag, ...]:
        index = await self._fallback.index(profiles)
        best: dict[SkillName, float] = {}
        for vector in await self._embedder.embed(keywords):
            for tag in index.nearest(vector, top=1):
                best[tag.name] = max(tag.weight, best.get(tag.name, 0.0))
        return tuple(SkillTag(name, best[name]) for name in sorted(best, key=lambda name: -best[name]))


def prompt(text: str) -> tuple[Message, ...]:
    """Return the messages that ask for the skills behind a question."""
    return (
        Message(
            Role.SYSTEM,
            "You sort questions by the knowledge and skills that an answer needs. You never answer the question.",
        ),
        Message(
            Role.USER,
            f"Question:\n{text}\n\nName two to five skills or subjects that are needed to answer it, each in one to "
            "three words, such as geometry, world history, SQL, French translation, percentages, contract law, "
            "anatomy. Write one line and nothing else:\nKeywords: first, second, third",
        ),
    )


def parsed(reply: str) -> frozenset[str]:
    """Return the keywords of one reply: what stands after the last label, between commas, up to 20 characters."""
    _, label, listed = reply.lower().rpartition(_LABEL)
    if not label:
        return frozenset()
    words = (word.replace(".", "").strip() for word in listed.replace("\n", ",").split(","))
    return frozenset(word for word in words if 0 < len(word) <= LONGEST)


def voted(replies: Iterable[str]) -> list[str]:
    """Return the keywords that more than one reply named, the most named first."""
    counts = Counter(word for reply in replies for word in parsed(reply))
    return sorted((word for word, count in counts.items() if count > 1), key=lambda word: (-counts[word], word))
