"""Rules that any recruiter's panel can be held to: who may still join, and a panel mended until it obeys.

At most so many experts of a family or a host group: diversity of errors and even load at once. Inspired by grouped
experts (MoGE, Pangu Pro MoE), whose router takes the same number from each group.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from core.decision import Seat
from core.ids import ExpertName
from core.pools import Rules
from routing.profiles.table import Numbers
from routing.quality import panel_quality
from routing.slate import Candidate, Choice, Slate

WORTHWHILE: Final = 0.5
"""Who comes in for somebody else has at least this share of the best one's expected quality; design choice."""
_TELLING: Final = 1e-9


def group_of(candidate: Candidate) -> str:
    """Return the host group of a candidate; one without stands alone."""
    return candidate.spec.group or candidate.spec.name


def may_join(candidates: Sequence[Candidate], seated: Sequence[ExpertName], rules: Rules) -> npt.NDArray[np.bool_]:
    """Return for each candidate whether it may take a seat beside those `seated`, who are named once a seat."""
    quota = _Quota(candidates, rules)
    for name in seated:
        quota.take(name)
    return np.array([quota.breach(candidate.spec.name) is None for candidate in candidates], np.bool_)


def obeying(
    choice: Choice, slate: Slate, rules: Rules, *, seated: Sequence[ExpertName] = (), least: float = -np.inf
) -> Choice:
    """Return the choice with every seat that breaks the rules passed, and the best that may join in its place.

    Seats keep their order; one that obeys is never moved, so a choice that obeys is returned as it is. `seated` are the
    seats filled before, in the same decision. Nobody is moved up who would exceed the slate's budget together with the
    panel, whose score is not above `least`, or who is far behind the best. The panel may be empty only when somebody
    was seated before.
    """
    quota = _Quota(slate.candidates, rules)
    for name in seated:
        quota.take(name)
    panel: list[Seat] = []
    refused: dict[ExpertName, Seat] = {}
    for seat in choice.panel:
        why = quota.breach(seat.expert)
        if why is None:
            quota.take(seat.expert)
            panel.append(seat)
        else:
            refused.setdefault(seat.expert, replace(seat, why=f"{why}; {seat.why}"))
    if not refused:
        return choice
    passed: list[Seat] = []
    bar = WORTHWHILE * max(seat.expected_quality for seat in choice.panel)
    left = _left(slate, seated)
    for seat in choice.passed:
        why = quota.breach(seat.expert)
        worthy = seat.score > least and seat.expected_quality >= bar
        if len(panel) < len(choice.panel) and why is None and worthy and _cost([*panel, seat]) <= left:
            quota.take(seat.expert)
            panel.append(seat)
        else:
            passed.append(seat)
    still = {seat.expert for seat in panel}
    gone = [seat for name, seat in refused.items() if name not in still]
    return Choice(tuple(panel), (*gone, *passed), quality_of(panel, slate))


def swayed(choice: Choice, slate: Slate, lean: Numbers, why: str) -> Choice:
    """Return the choice with seats given to passed candidates that `lean`, in expected quality, prefers.

    `lean` is [candidates]. A seat changes hands only when the lean outweighs the difference in expected quality, the
    newcomer costs no more, and the lean itself speaks for it: with an even lean nothing changes, and whoever is better
    by more than the spread of the lean keeps the seat. Expected qualities stay what they are, so votes are not moved.
    """
    leaning = {candidate.spec.name: float(lean[at]) for at, candidate in enumerate(slate.candidates)}
    panel, passed = list(choice.panel), list(choice.passed)
    for place, seat in enumerate(choice.panel):
        rivals = [rival for rival in passed if _gains(rival, seat, leaning) > _TELLING]
        if not rivals:
            continue
        best = max(rivals, key=lambda rival: rival.expected_quality + leaning[rival.expert])
        panel[place] = replace(best, why=f"{why}; {best.why}")
        passed.remove(best)
        if all(other.expert != seat.expert for other in panel):
            passed.insert(0, replace(seat, why=f"gave way: {why}; {seat.why}"))
    if panel == list(choice.panel):
        return choice
    return Choice(tuple(panel), tuple(passed), quality_of(panel, slate))


def quality_of(panel: Sequence[Seat], slate: Slate) -> float:
    """Return the expected quality of a panel's answer; a second seat of one expert adds nothing to it."""
    families = {candidate.spec.name: candidate.family for candidate in slate.candidates}
    once = {seat.expert: seat.expected_quality for seat in panel}
    return panel_quality(list(once.values()), [families[name] for name in once])


def _gains(rival: Seat, seat: Seat, leaning: dict[ExpertName, float]) -> float:
    ahead = leaning[rival.expert] - leaning[seat.expert]
    if ahead <= _TELLING or rival.expected_cost > seat.expected_cost:
        return 0.0
    return rival.expected_quality - seat.expected_quality + ahead


def _left(slate: Slate, seated: Sequence[ExpertName]) -> float:
    """Return what of the budget is left for seats beside those filled before."""
    if slate.budget is None:
        return np.inf
    return slate.budget - sum(candidate.cost * seated.count(candidate.spec.name) for candidate in slate.candidates)


def _cost(panel: Sequence[Seat]) -> int:
    return sum(seat.expected_cost for seat in panel)


@dataclass(slots=True)
class _Kin:
    family: str
    group: str


class _Quota:
    """How many seats each family and each host group has taken."""

    def __init__(self, candidates: Sequence[Candidate], rules: Rules) -> None:
        self._kin = {one.spec.name: _Kin(one.family, group_of(one)) for one in candidates}
        self._rules = rules
        self._families: Counter[str] = Counter()
        self._groups: Counter[str] = Counter()

    def take(self, expert: ExpertName) -> None:
        """Count a seat; one whom the slate does not know counts for nobody."""
        kin = self._kin.get(expert)
        if kin is not None:
            self._families[kin.family] += 1
            self._groups[kin.group] += 1

    def breach(self, expert: ExpertName) -> str | None:
        """Return which rule one more seat of an expert would break, or nothing."""
        kin, rules = self._kin[expert], self._rules
        if rules.per_family is not None and self._families[kin.family] >= rules.per_family:
            return f"no more than {rules.per_family} of the family {kin.family}"
        if rules.per_group is not None and self._groups[kin.group] >= rules.per_group:
            return f"no more than {rules.per_group} of the host group {kin.group}"
        return None
