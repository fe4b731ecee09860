"""Canonical skills: phrases that mean the same become one skill, the one seen most, with the others as its aliases."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from core.ids import SkillName
from core.ports import Embedder
from core.skills import Skill
from routing.profiles.hierarchy import parents_of
from routing.skills import Vectors

SAME: Final = 0.9
"""From this similarity of their names on, two skills are taken to be one.

Of 1,485 pairs of 55 names of school and office subjects, seven were at or above it (all-MiniLM-L6-v2): six say the same
in other words, and the last is quantum physics beside quantum mechanics. "maths" and "mathematics" (0.87) stay apart.
"""
_ROWS_AT_ONCE: Final = 512
# Words that end like a plural and are none.
_NO_PLURAL: Final = ("ics", "is", "ss", "us")
_SHORTEST_PLURAL: Final = 4
_WORD: Final = re.compile(r"[\w+#]+")


@dataclass(frozen=True, slots=True)
class Canon:
    """The canonical skills by name, and which of them each phrase that was merged stands for."""

    skills: tuple[Skill, ...]
    stands_for: Mapping[SkillName, SkillName]

    def of(self, names: Iterable[SkillName]) -> tuple[SkillName, ...]:
        """Return the canonical names of some skills, each once; a name that was not merged stays what it is."""
        return tuple(dict.fromkeys(self.stands_for.get(name, name) for name in names))


async def canonical(skills: Sequence[Skill], seen: Mapping[SkillName, int], embedder: Embedder) -> Canon:
    """Return the skills with near-duplicates merged, by their spelling and by the meaning of their names.

    `seen` is how many questions need each. A parent that is no skill becomes one. Raises as `merged` does.
    """
    listed = {skill.name for skill in skills}
    missing = dict.fromkeys(skill.parent for skill in skills if skill.parent is not None and skill.parent not in listed)
    skills = [*skills, *map(Skill, missing)]
    vectors = np.array(await embedder.embed([skill.name for skill in skills]), np.float32).reshape(len(skills), -1)
    return await asyncio.to_thread(merged, skills, seen, vectors)


def merged(skills: Sequence[Skill], seen: Mapping[SkillName, int], vectors: Vectors, floor: float = SAME) -> Canon:
    """Return the skills with near-duplicates merged; `vectors` [skills, dims] of unit length are those of their names.

    Two are one when their names or aliases are spelt alike but for case, accents, punctuation and plural, or when their
    names are at least `floor` alike in meaning. The one seen in more questions gives the name, the first by alphabet of
    equals; it takes over the others' aliases and examples, and their parent where it has none. Meaning is compared with
    the name that wins, so that no chain of small steps joins two different skills.

    Raises:
        ConfigurationError: naming the skill, when its parent is not listed, or stands below it once all are merged.
    """
    order = sorted(range(len(skills)), key=lambda at: (-seen.get(skills[at].name, 0), skills[at].name))
    near = _neighbours(vectors, floor)
    winners: dict[int, int] = {}
    spelt: dict[str, int] = {}
    for at in order:
        phrases = [skills[at].name, *skills[at].aliases]
        alike = [spelt[key] for key in map(spelling, phrases) if key in spelt]
        # An earlier winner was seen at least as often: it stays the winner.
        meant = [other for other in near[at] if winners.get(other) == other]
        winner = winners[at] = [*alike, *meant, at][0]
        for phrase in phrases:
            spelt.setdefault(spelling(phrase), winner)
    stands_for = {skills[at].name: skills[winner].name for at, winner in winners.items()}
    groups: dict[int, list[Skill]] = defaultdict(list)
    for at in order:
        groups[winners[at]].append(skills[at])
    listed = tuple(sorted((_joined(group, stands_for) for group in groups.values()), key=lambda skill: skill.name))
    parents_of(listed)
    return Canon(listed, stands_for)


def spelling(phrase: str) -> str:
    """Return a phrase without case, accents, punctuation and plural endings, so that like spellings are equal."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", phrase.casefold()) if not unicodedata.combining(c))
    return " ".join(map(_singular, _WORD.findall(plain))) or phrase


def _singular(word: str) -> str:
    if len(word) < _SHORTEST_PLURAL or not word.endswith("s") or word.endswith(_NO_PLURAL):
        return word
    return f"{word[:-3]}y" if word.endswith("ies") else word[:-1]


def _neighbours(vectors: Vectors, floor: float) -> list[list[int]]:
    """Return for each row the others at least `floor` alike, the nearest first."""
    near: list[list[int]] = []
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        similarities = vectors[start : start + _ROWS_AT_ONCE] @ vectors.T
        for row, its in enumerate(similarities, start):
            alike = np.flatnonzero(its >= floor)
            near.append([int(at) for at in alike[np.argsort(-its[alike], kind="stable")] if at != row])
    return near


def _joined(group: Sequence[Skill], stands_for: Mapping[SkillName, SkillName]) -> Skill:
    """Return one skill of several, the first of which gives the name."""
    first = group[0]
    phrases = dict.fromkeys(phrase for skill in group for phrase in (skill.name, *skill.aliases))
    parents = [stands_for.get(skill.parent, skill.parent) for skill in group if skill.parent is not None]
    return replace(
        first,
        aliases=tuple(phrase for phrase in phrases if phrase != first.name),
        parent=next((parent for parent in parents if parent != first.name), None),
        examples=tuple(dict.fromkeys(text for skill in group for text in skill.examples)),
    )
