"""A cascade with a Mowst-style gate (ICLR 2024): cheap experts first, the best one if they are not to be believed.

The gate reads how far the cheap answers disagree, and is fitted on the lessons; nothing is trained jointly. Where
answers cannot be compared, foresight and the looks of the replies decide.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.special import expit

from routing.explaining import standing
from routing.lessons import Lessons
from routing.readings import Numbers, Places
from routing.recruiters.contract import Heard, Method, Timing, Training, Traits
from routing.recruiters.strong_weak import strongest, weaker
from routing.recruiters.weighing import Estimate, columns_of, foreseen, ranked, seated, usual, values
from routing.schooling import Schooling
from routing.slate import Choice, Slate
from routing.voting import tallied

WEAK: Final = 3
"""How many cheap experts are heard at the most before the best one; design choice."""
PRIOR: Final = 1.0
"""Ridge on the gate, in units of one lesson's curvature; design choice."""
_ROUNDS: Final = 12

Columns = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is heard first, together never dearer than the `strong` one; nobody when there is nothing to gain by it."""

    weak: tuple[int, ...]
    strong: int
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Cascade:
    """Hears cheap experts, then the best one while its gain over what was heard is worth its price."""

    schooling: Schooling | None
    gates: dict[Columns, Numbers] = field(default_factory=dict)

    def recruit(self, slate: Slate, rng: random.Random) -> Choice:  # noqa: ARG002 (nothing is left to chance)
        """Return the cheap panel; the one of the best value when the slate has no room for two stages."""
        plan = self._plan(slate)
        quality = plan.estimate.quality
        scores = values(slate, quality)
        reasons = plan.estimate.reasons(slate, [f"foreseen {one:.2f}" for one in quality.tolist()])
        if not plan.weak:
            return seated(slate, ranked(slate, scores), scores, quality, reasons)
        reasons[plan.strong] = f"asked if the cheap ones are not believed: {reasons[plan.strong]}"
        order = [*plan.weak, *(at for at in ranked(slate, scores) if at not in plan.weak)]
        for at in plan.weak:
            reasons[at] = f"cheap enough to hear first: {reasons[at]}"
        return seated(slate, order, scores, quality, reasons, len(plan.weak))

    def more(self, slate: Slate, heard: Sequence[Heard], rng: random.Random) -> Choice | None:  # noqa: ARG002 (no chance)
        """Return the strong expert, unless it was heard or the cheap answers are believed."""
        plan = self._plan(slate)
        asked = {one.at for one in heard}
        if not plan.weak or plan.strong in asked:
            return None
        quality = plan.estimate.quality
        scores = values(slate, quality)
        believed = self.belief(slate, heard, plan.estimate)
        if believed >= float(scores[plan.strong]):
            return None
        reasons = [f"not the strong one: {standing(slate, at)}" for at in range(len(slate.candidates))]
        reasons[plan.strong] = (
            f"the cheap answers are right by a chance of {believed:.2f} only: {standing(slate, plan.strong)}"
        )
        unheard = [at for at in ranked(slate, scores) if at not in asked and at != plan.strong]
        return seated(slate, [plan.strong, *unheard], scores, quality, reasons)

    def belief(self, slate: Slate, heard: Sequence[Heard], estimate: Estimate) -> float:
        """Return the chance that what most of those heard answered is right, or the best reply where none compare."""
        if not heard:
            return 0.0
        best = max(float(estimate.quality[one.at]) for one in heard)
        offered = int(slate.readings.choices[0]) if slate.readings is not None else 0
        votes = _votes(np.array([[one.said for one in heard]], np.intp))
        spread = agreement(votes, np.array([offered or len(heard)]))[0]
        if self.schooling is None:
            # Without lessons agreement stands for the chance; a single voice agrees with itself and says nothing.
            return float(spread[0]) if votes.sum() > 1 else best
        columns = columns_of(slate, self.schooling.lessons.experts)[[one.at for one in heard]]
        if not self.schooling.lessons.comparable:
            own = self.schooling.school.among(columns).trust.own
            looks = [float(estimate.quality[one.at] + one.clues @ trust) for one, trust in zip(heard, own, strict=True)]
            return min(1.0, max(looks))
        known = tuple(sorted({int(column) for column in columns if column >= 0}))
        gate = self._gate(self.schooling.lessons, known) if known else None
        return float(expit(gate[0] + spread @ gate[1:])) if gate is not None else best

    def _gate(self, lessons: Lessons, columns: Columns) -> Numbers:
        gate = self.gates.get(columns)
        if gate is None:
            gate = self.gates[columns] = gate_of(lessons, columns)
        return gate

    def _plan(self, slate: Slate) -> Plan:
        overall = usual(slate, self.schooling)
        strong = strongest(slate, overall)
        dearest = int(slate.costs[strong])
        most = dearest if slate.budget is None else min(dearest, slate.budget - dearest)
        weak: list[int] = []
        for at in weaker(slate, overall, strong)[: min(WEAK, slate.k - 1)]:
            if int(slate.costs[[*weak, at]].sum()) <= most:
                weak.append(at)
        return Plan(tuple(weak), strong, foreseen(slate, self.schooling))


def agreement(votes: Numbers, count: Places) -> Numbers:
    """Return Mowst's two dispersions of votes [questions, answers], [questions, 2]: 0 when even, 1 when unanimous.

    They are the variance of the shares over that of a unanimous vote, and 1 - H / log n; n is `count` [questions], how
    many answers there may be. Without votes both are 0.
    """
    total = votes.sum(axis=1)
    many = np.maximum(count, 2).astype(np.float64)
    share = votes / np.maximum(total, 1.0)[:, None]
    variance = ((share**2).sum(axis=1) - 1 / many) / (1 - 1 / many)
    entropy = -(share * np.log(np.maximum(share, 1e-12))).sum(axis=1)
    found = np.stack([variance, 1 - entropy / np.log(many)], axis=1)
    return np.clip(np.where(total[:, None] > 0, found, 0.0), 0.0, 1.0)


def gate_of(lessons: Lessons, columns: Columns) -> Numbers:
    """Return the gate of a panel of experts: a constant, then what each dispersion adds to the log-odds of being right.

    A logistic regression of how right the panel's plurality answer was, the mean of several where they tie, fitted by
    Newton's method.
    """
    places = list(columns)
    right = lessons.right[:, places]
    asked = np.flatnonzero(~np.isnan(right).all(axis=1))
    right = right[asked]
    said = np.where(np.isnan(right), -1, lessons.said[asked][:, places])
    votes = _votes(said)
    given = said[:, :, None] == np.arange(votes.shape[1])
    rightness = np.where(given, np.nan_to_num(right)[:, :, None], 0.0).max(axis=1)
    leading = (votes == votes.max(axis=1, keepdims=True)) & (votes > 0)
    hits = (rightness * leading).sum(axis=1) / np.maximum(leading.sum(axis=1), 1)
    choices = lessons.readings.choices[asked]
    spread = agreement(votes, np.where(choices > 0, choices, len(places)))
    features = np.column_stack([np.ones(len(hits)), spread])
    gate = np.zeros(features.shape[1])
    held = PRIOR * np.eye(len(gate))
    for _ in range(_ROUNDS):
        chance = expit(features @ gate)
        bend = features.T @ (features * (chance * (1 - chance))[:, None]) + held
        gate = gate + np.linalg.solve(bend, features.T @ (hits - chance) - held @ gate)
    return gate


def _votes(said: Places) -> Numbers:
    return tallied(said, int(said.max(initial=0)) + 1)


METHOD: Final = Method(
    Traits(
        name="cascade",
        timing=Timing.AFTER,
        family="cascade",
        training=Training.LESSONS,
        cold_start="agreement of the cheap answers stands for their chance of being right",
        source="Mowst-style gate (Mixture of Weak and Strong Experts, ICLR 2024)",
    ),
    Cascade,
)
