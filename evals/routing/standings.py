"""How good the experts of a recorded pool are: skill by skill, and in Swiss rounds that need no weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from core.messages import Json
from evals.routing import swiss
from evals.routing.classroom import means
from evals.routing.material import Material
from routing.readings import Numbers

CONTESTS: Final = 2_000
REMOVED: Final = (0, 1, 2)
"""How many of the lowest leave after each round; the slope over these says specialist or generalist."""
ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Ranked:
    """Scores by skill [experts, skills] in the order of `skills`, and where each expert stands, the best first."""

    material: Material
    skills: tuple[str, ...]
    scores: Numbers
    rows: tuple[dict[str, Json], ...]


def ranked(material: Material, seed: int = 0) -> Ranked:
    """Return the ranking; skills are the recorded categories, the easiest first, as the contest goes from basic on."""
    lessons = material.lessons
    named = [at for at in range(len(material.topics)) if (lessons.topics == at).any()]
    groups = {material.topics[at]: lessons.topics == at for at in named} or {ALL: np.ones(len(lessons), bool)}
    by_skill = {skill: means(lessons.right[rows]) for skill, rows in groups.items()}
    skills = tuple(sorted(by_skill, key=lambda skill: -float(np.nanmean(by_skill[skill]))))
    table = {skill: by_skill[skill].tolist() for skill in skills}
    rng = np.random.default_rng(seed)
    standings = swiss.play(table, rng, contests=CONTESTS)
    removed = tuple(count for count in REMOVED if count * len(skills) < len(lessons.experts))
    falls = swiss.sensitivity(table, rng, removed=removed, contests=CONTESTS) if len(removed) > 1 else None
    overall, price = means(lessons.right), means(lessons.price)
    rows = [
        {
            "expert": lessons.experts[at],
            "family": lessons.families[at],
            "accuracy": round(float(overall[at]), 4),
            "wins": round(float(standings.expected[at]), 3),
            "fall": None if falls is None else round(float(falls.slopes[at]), 3),
            "price_per_1k": round(float(price[at]) / 1000, 4) if material.unit == "usd" else round(float(price[at]), 1),
            **{skill: _rounded(float(table[skill][at])) for skill in skills},
        }
        for at in np.argsort(-standings.expected, kind="stable")
    ]
    return Ranked(material, skills, np.stack([by_skill[skill] for skill in skills], axis=1), tuple(rows))


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)
