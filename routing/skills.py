"""The skills of a profile set as directions: which of them is a text nearest to in meaning?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.ids import SkillName
from core.ports import Embedder
from core.skills import Skill, SkillTag

Vectors = npt.NDArray[np.float32]

FLOOR: Final = 0.3
"""Below this similarity a skill is not recognised: the paper's forced matches are its known weakness."""
TOP: Final = 3
MARGIN: Final = 0.08
"""How far behind the nearest skill another may be and still be named (docs/decisions/0003-embeddings.md)."""


@dataclass(frozen=True, slots=True)
class SkillIndex:
    """One direction a skill, that of the mean of its name, aliases and examples; `centres` is [skills, dims]."""

    names: tuple[SkillName, ...]
    centres: Vectors

    def nearest(
        self, vector: Sequence[float], *, floor: float = FLOOR, top: int = TOP, margin: float = MARGIN
    ) -> tuple[SkillTag, ...]:
        """Return up to `top` skills at or above the floor and within `margin` of the nearest, heaviest first."""
        if not self.names:
            return ()
        similarities = self.centres @ np.asarray(vector, np.float32)
        order = np.argsort(-similarities, kind="stable")[:top]
        least = max(floor, float(similarities[order[0]]) - margin)
        return tuple(
            SkillTag(self.names[at], min(1.0, float(similarities[at]))) for at in order if similarities[at] >= least
        )


async def index_skills(skills: Sequence[Skill], embedder: Embedder) -> SkillIndex:
    """Embed every text of every skill and return the index over them; a pool never measured has none."""
    if not skills:
        return SkillIndex((), np.zeros((0, 0), np.float32))
    texts = [(skill.name, *skill.aliases, *skill.examples) for skill in skills]
    vectors = await embedder.embed([text for group in texts for text in group])
    owners = np.repeat(np.arange(len(skills)), [len(group) for group in texts])
    sums = np.zeros((len(skills), len(vectors[0]) if vectors else 0), np.float32)
    np.add.at(sums, owners, np.array(vectors, np.float32).reshape(len(vectors), -1))
    return SkillIndex(tuple(skill.name for skill in skills), unit(sums))


def unit(rows: Vectors) -> Vectors:
    """Return each row at length one; a row of noughts stays what it is."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-9), np.float32)
