"""Schooling: all that lessons teach of a pool's experts, fitted once a version and shared by recruiters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from routing.consulting import School
from routing.foresight import Foresight, learn
from routing.lessons import Lessons
from routing.quality import expected_qualities
from routing.readings import Numbers, Places
from routing.replies import REPLY_CLUES
from routing.slate import Slate
from routing.teaching import heard_clues, taught, trusted, untrusting, usual_replies
from routing.voting import untaught

# No verdict makes an expert sure of being right, or of being wrong.
_LEAST: Final = 0.01


@dataclass(frozen=True, slots=True)
class Schooling:
    """The lessons, what they let foresee, and what a vote is worth. Columns are experts in the order of the lessons.

    `foreseen` [questions, experts] is the quality foreseen of each lesson by foresight that has not seen it.
    """

    lessons: Lessons
    foresight: Foresight
    foreseen: Numbers
    school: School

    def on(self, slate: Slate) -> tuple[Numbers, School]:
        """Return the quality foreseen of each candidate of a slate, and the school with the candidates as columns.

        A candidate without lessons is known by its profile's counts alone, and its vote weighs as a usual one does.
        What verdicts in service say beside the lessons moves what is foreseen.
        """
        columns = self.columns(slate)
        counted = expected_qualities(slate)
        if slate.readings is None or not len(slate.readings.vectors[0]):
            return counted, self.school.among(columns)
        foreseen = self.foresight.quality(slate.readings)[0][columns]
        if slate.live.any():
            foreseen = np.clip(foreseen + slate.shift, _LEAST, 1 - _LEAST)
        screened = slate.sure | (columns < 0)
        return np.where(screened, counted, foreseen), self.school.among(columns)

    def columns(self, slate: Slate) -> Places:
        """Return each candidate's column among the lessons' experts; -1 for one without lessons."""
        places = {name: at for at, name in enumerate(self.lessons.experts)}
        return np.array([places.get(candidate.spec.name, -1) for candidate in slate.candidates], np.intp)


def unschooled(slate: Slate) -> tuple[Numbers, School]:
    """Return the quality that the counts of the profile let expect, and the school before any lesson."""
    count = len(slate.candidates)
    school = School(
        untaught(count),
        untrusting(count),
        np.full((count, len(REPLY_CLUES)), np.nan),
        comparable=slate.readings is not None and bool(slate.readings.choices[0]),
    )
    return expected_qualities(slate), school


def schooling_of(lessons: Lessons, seed: int = 0) -> Schooling:
    """Return what the lessons teach; the same for the same lessons and seed. Takes seconds for thousands of them."""
    learned = learn(lessons)
    foresight, foreseen = learned.foresight, learned.held_out
    usual = usual_replies(lessons)
    expected = foresight.log_words(lessons.readings)
    clues = heard_clues(lessons.words, lessons.replies, expected, foresight.words.spread, usual)
    voting = taught(lessons, foreseen, clues, np.random.default_rng(seed))
    trust = trusted(lessons, foreseen, clues)
    return Schooling(lessons, foresight, foreseen, School(voting, trust, usual, lessons.comparable))
