"""The skills of a profile set as directions: which of them is a text nearest to in meaning, and is it near to any?"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.ids import SkillName
from core.ports import Embedder
from core.skills import Skill, SkillTag

Vectors = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]

FLOOR: Final = 0.3
"""Below this similarity a skill is not recognised: the paper's forced matches are its known weakness."""
TOP: Final = 3
MARGIN: Final = 0.08
"""How far behind the nearest skill another may be and still be named (docs/decisions/0003-embeddings.md)."""
STRANGE: Final = 0.05
"""The share of a profile set's own questions that may be taken to be like none of its skills; design choice."""
_MEASURED: Final = 512


@dataclass(frozen=True, slots=True)
class SkillIndex:
    """One direction a skill, that of the mean of its name, aliases and examples; `centres` is [skills, dims].

    A query whose nearest skill is less similar than `floor` is like none of them.
    """

    names: tuple[SkillName, ...]
    centres: Vectors
    floor: float = FLOOR

    def nearest(
        self, vector: Sequence[float], *, floor: float = FLOOR, top: int = TOP, margin: float = MARGIN
    ) -> tuple[SkillTag, ...]:
        """Return up to `top` skills at or above `floor` and within `margin` of the nearest, heaviest first."""
        if not self.names:
            return ()
        similarities = self.centres @ np.asarray(vector, np.float32)
        order = np.argsort(-similarities, kind="stable")[:top]
        least = max(floor, float(similarities[order[0]]) - margin)
        return tuple(
            SkillTag(self.names[at], min(1.0, float(similarities[at]))) for at in order if similarities[at] >= least
        )


async def index_skills(skills: Sequence[Skill], embedder: Embedder) -> SkillIndex:
    """Embed every text of every skill and return the index over them; a pool never measured has none.

    A parent without examples of its own is no direction: a query is like what stands below it, and backs off to it.
    """
    parents = {skill.parent for skill in skills}
    skills = [skill for skill in skills if skill.examples or skill.name not in parents]
    if not skills:
        return SkillIndex((), np.zeros((0, 0), np.float32))
    texts = [text for skill in skills for text in (skill.name, *skill.aliases, *skill.examples)]
    vectors = await embedder.embed(texts)
    # A profile may hold 10,000 skills: the event loop does not wait for the arithmetic.
    return await asyncio.to_thread(_index, skills, texts, vectors)


def _index(skills: Sequence[Skill], texts: Sequence[str], vectors: Sequence[Sequence[float]]) -> SkillIndex:
    rows = np.array(vectors, np.float32).reshape(len(texts), -1)
    owners = np.repeat(np.arange(len(skills)), [1 + len(skill.aliases) + len(skill.examples) for skill in skills])
    asked = np.array([known for skill in skills for known in _which(skill)], np.bool_)
    sums = np.zeros((len(skills), rows.shape[1]), np.float32)
    np.add.at(sums, owners, rows)
    # One text may be an example of several skills, and none of them may know it when it is left out.
    numbers: dict[str, int] = {}
    same = np.array([numbers.setdefault(text, len(numbers)) for text in texts], np.intp)
    near = left_out(sums, rows[asked], owners[asked], same[asked])
    return SkillIndex(tuple(skill.name for skill in skills), unit(sums), floor_of(near))


def _which(skill: Skill) -> list[bool]:
    """Tell of each text of a skill whether it is a question."""
    return [False] * (1 + len(skill.aliases)) + [True] * len(skill.examples)


def left_out(sums: Vectors, rows: Vectors, owners: Places, same: Places) -> Vectors:
    """Return how similar each question is to its nearest skill once it is left out of its own skills.

    `sums` are the skills' summed texts [skills, dims], `rows` the questions [questions, dims], one for each skill that
    has it, `owners` whose it is, and `same` a number that equal questions share. At most 512, evenly drawn, are looked
    at: the whole would cost a product of all questions with all skills.
    """
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _MEASURED)).astype(np.intp))
    similarities = rows[chosen] @ unit(sums).T
    for row, at in enumerate(chosen):
        own = owners[same == same[at]]
        similarities[row, own] = unit(sums[own] - rows[at]) @ rows[at]
    return np.asarray(similarities.max(axis=1, initial=-1.0), np.float32)


def floor_of(similarities: Vectors, share: float = STRANGE) -> float:
    """Return the similarity below which at most `share` of a profile set's own questions fall, and never below `FLOOR`.

    It is the order statistic of split conformal prediction (Vovk et al., 2005): a new question of the same kind falls
    below it with a chance of at most `share`. Fewer questions than that takes (19 for one in twenty) say nothing.
    """
    rank = int(share * (len(similarities) + 1))
    return max(FLOOR, float(np.sort(similarities)[rank - 1])) if rank else FLOOR


def unit(rows: Vectors) -> Vectors:
    """Return each row at length one; a row of noughts stays what it is."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), np.float32)
