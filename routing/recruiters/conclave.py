"""The default recruiter: one expert after another, best value first, until another voice is not worth its price.

It mends what reviewers found wanting in Symbolic-MoE: calibrated estimates instead of bare sums, no expert twice,
votes that know who errs together, prices, and an end when enough was heard.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from routing.consulting import Consultation, School, Standing
from routing.explaining import standing
from routing.readings import nothing_read
from routing.recruiters import panel
from routing.recruiters.contract import Heard, Method, Timing, Training, Traits
from routing.schooling import Schooling, unschooled
from routing.slate import Choice, Slate, seat
from routing.voting import Hearing, nothing_heard

WORTHWHILE: Final = 0.5
"""An expert below this share of the best one's quality would only add noise; design choice."""


@dataclass(frozen=True, slots=True)
class Conclave:
    """Recruits by the worth of hearing each expert next (`routing.consulting`).

    Whoever asks for a fixed number of experts (`stop_at` above 1) gets them at once, as `panel` chooses them.
    """

    schooling: Schooling | None = None

    def recruit(self, slate: Slate, rng: random.Random) -> Choice:
        """Return the expert to hear first, everybody else being passed for now; or the whole panel asked for."""
        if slate.stop_at > 1:
            return panel.recruit(slate, rng)
        return self._next(slate, ())

    def more(self, slate: Slate, heard: Sequence[Heard], rng: random.Random) -> Choice | None:  # noqa: ARG002 (port)
        """Return the next expert worth hearing, or nothing: enough is known, or nobody is worth the price."""
        if slate.stop_at > 1 or len(heard) >= slate.k:
            return None
        if float(self.thought(slate, heard).belief[0]) >= slate.stop_at:
            return None
        choice = self._next(slate, heard)
        return choice if choice.panel and choice.panel[0].score > 0 else None

    def thought(self, slate: Slate, heard: Sequence[Heard]) -> Standing:
        """Return what is thought of the answers after what was heard."""
        return self._consultation(slate, heard).standing(hearing_of(slate, heard))

    def school(self, slate: Slate, heard: Sequence[Heard]) -> School:
        """Return how the experts' words are taken, with the slate's candidates as columns."""
        return self._consultation(slate, heard).school

    def _next(self, slate: Slate, heard: Sequence[Heard]) -> Choice:
        consultation = self._consultation(slate, heard)
        worth = consultation.worth(hearing_of(slate, heard))[0]
        quality = consultation.quality[0]
        order = [int(at) for at in np.argsort(-worth, kind="stable") if np.isfinite(worth[at])]
        rest = [at for at in range(len(slate.candidates)) if not np.isfinite(worth[at])]
        asked = {one.at for one in heard}
        seats = [seat(slate, at, float(worth[at]), float(quality[at]), standing(slate, at)) for at in order]
        last = min([0.0, *(one.score for one in seats)])
        behind = [
            seat(slate, at, last, float(quality[at]), f"far behind the best: {standing(slate, at)}")
            for at in rest
            if at not in asked
        ]
        return Choice(tuple(seats[:1]), (*seats[1:], *behind), seats[0].expected_quality if seats else 0.0)

    def _consultation(self, slate: Slate, heard: Sequence[Heard]) -> Consultation:
        quality, school = self.schooling.on(slate) if self.schooling else unschooled(slate)
        readings = slate.readings if slate.readings is not None else nothing_read()
        if heard:
            school = replace(school, comparable=_comparable(school, heard, offered=bool(readings.choices[0])))
        able = quality >= WORTHWHILE * quality.max()
        if slate.budget is not None:
            spent = int(sum(slate.costs[one.at] for one in heard))
            able &= slate.costs + spent <= slate.budget
        return Consultation(school, readings, quality[None], slate.prices[None], able[None], slate.thrift)


def _comparable(school: School, heard: Sequence[Heard], *, offered: bool) -> bool:
    """Return whether answers can be compared, which is known better once they are there.

    Where lessons say that they can, a reply without an answer casts no vote and takes none away.
    """
    answered = [one.said >= 0 for one in heard]
    return (offered or any(answered)) if school.comparable else all(answered)


def hearing_of(slate: Slate, heard: Sequence[Heard]) -> Hearing:
    """Return what was heard as one row over the slate's candidates."""
    hearing = nothing_heard(1, len(slate.candidates))
    for one in heard:
        hearing.heard[0, one.at], hearing.said[0, one.at], hearing.clues[0, one.at] = True, one.said, one.clues
    return hearing


METHOD: Final = Method(
    Traits(
        name="conclave",
        timing=Timing.AFTER,
        family="sequential consultation",
        training=Training.LESSONS,
        cold_start="counts by skill, and votes weighed by them",
        source="ours; conditional-logit vote, value of information",
    ),
    Conclave,
)
