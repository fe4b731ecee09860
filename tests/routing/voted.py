"""Votings and hearings drawn at random: a mix of open questions and ones with options, some experts heard."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import strategies as st

from core.ids import ExpertName
from routing.clues import CLUES, OPTION_CLUES
from routing.lessons import Lessons
from routing.readings import Flags, Numbers, Places, Readings
from routing.replies import REPLY_CLUES
from routing.voting import HEARD_CLUES, Hearing, Voting

MOST = 5


@dataclass(frozen=True, slots=True)
class Scene:
    """Questions, what is foreseen of each expert, and who was heard saying what."""

    voting: Voting
    quality: Numbers
    readings: Readings
    hearing: Hearing

    @property
    def heard(self) -> Flags:
        """Return who was heard, [queries, experts]."""
        return self.hearing.heard

    def lessons(self) -> Lessons:
        """Return the questions as lessons in which everybody says what is heard; the first answer is right."""
        shape = self.quality.shape
        return Lessons(
            experts=tuple(ExpertName(f"expert-{at}") for at in range(shape[1])),
            families=tuple(f"family-{at}" for at in range(shape[1])),
            readings=self.readings,
            right=np.zeros(shape),
            said=self.hearing.said,
            price=np.ones(shape),
            words=np.full(shape, 50.0),
            replies=np.full((*shape, len(REPLY_CLUES)), np.nan),
            truth=np.zeros(len(self.quality), np.intp),
            topics=np.zeros(len(self.quality), np.intp),
        )


@st.composite
def scenes(draw: st.DrawFn, *, crowd: float | None = None) -> Scene:
    """Return a scene; numbers that an answer may have are options, or the experts for an open question."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    queries, experts = draw(st.integers(1, 6)), draw(st.integers(1, 5))
    choices = np.array(draw(st.lists(st.sampled_from([0, 2, 4, MOST]), min_size=queries, max_size=queries)), np.intp)
    heard = rng.random((queries, experts)) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    said = rng.integers(-1, np.where(choices == 0, experts, choices)[:, None], heard.shape)
    clues = rng.normal(size=(queries, experts, HEARD_CLUES)) * heard[:, :, None]
    offered = np.arange(choices.max()) < choices[:, None]
    return Scene(
        voting=voting(rng, experts, crowd),
        quality=rng.uniform(0.02, 0.98, (queries, experts)),
        readings=Readings(
            np.zeros((queries, 0), np.float32),
            np.zeros((queries, len(CLUES))),
            rng.normal(size=(queries, int(choices.max()), len(OPTION_CLUES))) * offered[:, :, None],
            choices,
        ),
        hearing=Hearing(heard, np.where(heard, said, -1), clues),
    )


def voting(rng: np.random.Generator, experts: int, crowd: float | None = None) -> Voting:
    """Return a voting with every part drawn at random."""
    return Voting(
        slope=float(rng.normal()),
        own=rng.normal(size=experts),
        crowd=float(rng.normal()) if crowd is None else crowd,
        unseen=float(rng.normal()),
        fresh=rng.normal(size=3),
        option=rng.normal(size=len(OPTION_CLUES)),
        reply=rng.normal(size=HEARD_CLUES),
    )


def among(scene: Scene, rows: Places) -> Scene:
    """Return the scene of some of the questions."""
    hearing = Hearing(scene.heard[rows], scene.hearing.said[rows], scene.hearing.clues[rows])
    return replace(scene, quality=scene.quality[rows], readings=scene.readings.take(rows), hearing=hearing)
