"""One split of a material: learned on one half, ready to be replayed on the other by any recruiter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from sklearn.cluster import KMeans

from core.ids import SkillName
from core.money import Micros
from core.skills import Skill
from evals.routing.material import Material
from routing.lessons import Lessons
from routing.profiles import Outcome, ProfileTable, build_profiles, table_of
from routing.readings import Numbers, Places
from routing.schooling import Schooling, schooling_of
from routing.skills import SkillIndex, unit
from routing.slate import Candidate, Slate, slate_of

_LEAST_TOPICS: Final = 2
_MADE_UP: Final = 8
_MEASURED: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Classroom:
    """What was learned on the training questions, and the test questions with what became of each.

    `prices` [experts] are what a call is expected to cost, from the training questions, in units of the best single
    expert's; `best` is that expert's column.
    """

    material: Material
    taught: Lessons
    test: Lessons
    test_rows: Places
    schooling: Schooling
    table: ProfileTable
    index: SkillIndex
    candidates: tuple[Candidate, ...]
    prices: Numbers
    best: int

    @property
    def test_tokens(self) -> Numbers:
        """Return the tokens of every test call, [questions, experts]."""
        return self.material.tokens[self.test_rows]

    def slate(self, row: int, *, k: int, stop_at: float, thrift: float) -> Slate:
        """Return the slate of one test question; experts that were not asked it are no candidates."""
        asked = np.flatnonzero(~np.isnan(self.test.right[row]))
        reading = self.test.readings.take(slice(row, row + 1))
        return slate_of(
            [self.candidates[at] for at in asked],
            self.index.nearest(reading.vectors[0].tolist()),
            self.table,
            k=k,
            stop_at=stop_at,
            thrift=thrift,
            readings=reading,
        )


def classroom(material: Material, train: Places, test: Places, seed: int) -> Classroom:
    """Learn what the training questions teach."""
    lessons = material.lessons.take(train)
    topics, names = _topics(lessons, material.topics, seed)
    skills = tuple(Skill(SkillName(name)) for name in names)
    outcomes = [
        Outcome(
            expert=expert,
            skills=(skills[topics[row]].name,),
            correct=bool(lessons.right[row, column] > 0.5),
            output_tokens=int(np.nan_to_num(lessons.words[row, column])),
        )
        for column, expert in enumerate(lessons.experts)
        for row in np.flatnonzero(~np.isnan(lessons.right[:, column]))
    ]
    usual = means(lessons.price)
    # Whoever has no lessons in this half costs as much as others do, and is not the best known.
    usual = np.where(np.isnan(usual), np.nanmedian(usual), usual)
    best = int(np.nan_to_num(means(lessons.right), nan=-1.0).argmax())
    sums = np.zeros((len(names), lessons.readings.vectors.shape[1]), np.float32)
    np.add.at(sums, topics, lessons.readings.vectors)
    return Classroom(
        material=material,
        taught=lessons,
        test=material.lessons.take(test),
        test_rows=test,
        schooling=schooling_of(lessons, seed),
        table=table_of(build_profiles(material.name, material.name, _MEASURED, skills, outcomes)),
        index=SkillIndex(tuple(skill.name for skill in skills), unit(sums)),
        candidates=tuple(
            Candidate(spec, Micros(max(0, round(float(cost)))))
            for spec, cost in zip(material.specs, usual, strict=True)
        ),
        prices=usual / usual[best] if usual[best] > 0 else np.zeros(len(usual)),
        best=best,
    )


def halves(count: int, splits: int, seed: int = 0) -> list[tuple[Places, Places]]:
    """Return `splits` random halvings of the questions: to learn on, to test on."""
    found = []
    for number in range(splits):
        order = np.random.default_rng(seed + number).permutation(count)
        found.append((order[: count // 2], order[count // 2 :]))
    return found


def means(values: Numbers) -> Numbers:
    """Return each expert's mean over the questions it was asked, [experts]; nan for one that was asked none."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    return np.where(counts > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(counts, 1), np.nan)


def _topics(lessons: Lessons, names: tuple[str, ...], seed: int) -> tuple[Places, tuple[str, ...]]:
    """Return each question's skill: its category; clusters by meaning where there are no categories to tell."""
    if len(names) >= _LEAST_TOPICS and (lessons.topics >= 0).all():
        return lessons.topics, names
    clusters = min(_MADE_UP, len(lessons))
    found = KMeans(clusters, n_init=4, random_state=seed).fit_predict(lessons.readings.vectors)
    return np.asarray(found, np.intp), tuple(f"kind {number}" for number in range(1, clusters + 1))
