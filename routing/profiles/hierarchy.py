"""Skills and their parents: who stands above whom, checked once, as places in a profile set's list of skills."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from core.errors import ConfigurationError
from core.ids import SkillName
from core.skills import Skill

Places = npt.NDArray[np.intp]

MOST_GENERATIONS: Final = 8
"""How many skills may stand above one another; what is deeper is a mistake, and each would cost every decision."""


def parents_of(skills: Sequence[Skill]) -> Places:
    """Return the place of each skill's parent, [skills + 1]; -1 for those without, and in the last place.

    Raises:
        ConfigurationError: naming the skill, when its parent is not listed, stands below it, or is one too many.
    """
    places = {skill.name: at for at, skill in enumerate(skills)}
    parents = np.full(len(skills) + 1, -1, np.intp)
    for at, skill in enumerate(skills):
        if skill.parent is not None:
            if skill.parent not in places:
                raise ConfigurationError(f'skills.{skill.name}.parent: "{skill.parent}" is no skill here')
            parents[at] = places[skill.parent]
    for skill in skills:
        _walk(skill, skills, places)
    return parents


def generations(parents: Places) -> Places:
    """Return how many skills stand above each, [skills + 1]."""
    depths = np.zeros(len(parents), np.intp)
    above = parents
    while (above >= 0).any():
        depths += above >= 0
        # The last place stands for no skill and has no parent, so that -1 leads to -1.
        above = parents[above]
    return depths


def lineages(parents: Places, rows: Places) -> Places:
    """Return each row under its ancestors, [generations, rows], the eldest first; -1 where a line is shorter."""
    lines = [rows]
    while (parents[lines[-1]] >= 0).any():
        lines.append(parents[lines[-1]])
    return np.array(lines[::-1], np.intp)


def tops(skills: Sequence[Skill]) -> dict[SkillName, SkillName]:
    """Return the eldest ancestor of each skill: itself where it has no parent. Raises as `parents_of` does."""
    parents = parents_of(skills)
    return {skill.name: skills[top(parents, at)].name for at, skill in enumerate(skills)}


def top(parents: Places, place: int) -> int:
    """Return the place of a skill's eldest ancestor: its own where it has no parent, and -1 for -1."""
    while parents[place] >= 0:
        place = int(parents[place])
    return place


def _walk(skill: Skill, skills: Sequence[Skill], places: dict[SkillName, int]) -> None:
    line = [skill.name]
    while (parent := skills[places[line[-1]]].parent) is not None:
        if parent in line:
            raise ConfigurationError(f"skills.{skill.name}.parent: stands above itself: {_shown([*line, parent])}")
        line.append(parent)
        if len(line) > MOST_GENERATIONS:
            raise ConfigurationError(
                f"skills.{skill.name}.parent: more than {MOST_GENERATIONS} generations: {_shown(line)}"
            )


def _shown(line: Iterable[SkillName]) -> str:
    return " -> ".join(line)
