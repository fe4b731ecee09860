"""The slate: the experts that may be recruited for one query, with what is known of each, as aligned arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from core.decision import Seat
from core.experts import ExpertSpec
from core.money import Micros
from core.skills import SkillTag
from routing.profiles.hierarchy import lineages
from routing.profiles.table import Numbers, ProfileTable
from routing.readings import Readings

DOUBT: Final = 20.0
"""How many imagined verdicts stand behind what was measured, which verdicts in service must outweigh; design choice."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An expert that meets every constraint; `sure` when a screen said that it can answer this very query."""

    spec: ExpertSpec
    cost: Micros
    sure: bool = False
    latency_s: float = 0.0

    @property
    def family(self) -> str:
        """Return the family whose experts tend to err together; an expert without one stands alone."""
        return self.spec.family or self.spec.target or self.spec.name


@dataclass(frozen=True, slots=True)
class Slate:
    """Candidates and their records. `wins`, `losses`, `declined` are [tags, candidates]; `overall` is [3, candidates].

    `above` [3, generations, tags, candidates] is the same of the skills' ancestors, the eldest first.

    At most `k` seats are filled; recruiting may stop once the expected quality reaches `stop_at`, and the seats
    together may not be expected to cost more than `budget`. `thrift` is how much expected quality a call must bring for
    the price of one call of the best single expert. `readings` is the query as numbers, one row; nothing when it was
    not read. `live` [2, candidates] is what verdicts in service add: wins beyond those expected, and how many verdicts.
    """

    candidates: tuple[Candidate, ...]
    tags: tuple[SkillTag, ...]
    wins: Numbers
    losses: Numbers
    declined: Numbers
    above: Numbers
    overall: Numbers
    net_total: Numbers
    live: Numbers
    costs: npt.NDArray[np.int64]
    sure: npt.NDArray[np.bool_]
    profile_version: str
    k: int
    stop_at: float
    budget: Micros | None = None
    thrift: float = 0.0
    readings: Readings | None = None

    @property
    def shift(self) -> Numbers:
        """Return by how much verdicts in service say each candidate to be better than was measured, within -1..1."""
        surplus, verdicts = self.live
        return np.asarray(surplus / (verdicts + DOUBT))

    @property
    def prices(self) -> Numbers:
        """Return what each call costs, in calls of the candidate with the best record; noughts when all are free."""
        won, lost, _ = self.overall
        best = int(np.argmax((won + 1) / (won + lost + 2)))
        unit = int(self.costs[best]) or int(self.costs.max(initial=0))
        return self.costs / unit if unit else np.zeros(len(self.costs))


@dataclass(frozen=True, slots=True)
class Choice:
    """What a recruiter made of a slate; every candidate has at least one seat, in the panel or among the passed."""

    panel: tuple[Seat, ...]
    passed: tuple[Seat, ...]
    expected_quality: float


def slate_of(
    candidates: Sequence[Candidate],
    tags: Sequence[SkillTag],
    table: ProfileTable,
    *,
    k: int,
    stop_at: float,
    budget: Micros | None = None,
    thrift: float = 0.0,
    readings: Readings | None = None,
) -> Slate:
    """Return the slate of `candidates` for a query with `tags`."""
    count = len(candidates)
    columns = np.fromiter((table.experts.get(candidate.spec.name, -1) for candidate in candidates), np.intp, count)
    rows = np.array([table.skills.get(tag.name, -1) for tag in tags], np.intp)
    elders = lineages(table.parents, rows)[:-1]
    return Slate(
        candidates=tuple(candidates),
        tags=tuple(tags),
        wins=table.wins[rows].take(columns, axis=1).astype(np.float64),
        losses=table.losses[rows].take(columns, axis=1).astype(np.float64),
        declined=table.declined[rows].take(columns, axis=1).astype(np.float64),
        above=np.array([counts[elders].take(columns, axis=2) for counts in (table.wins, table.losses, table.declined)]),
        overall=table.overall[:, columns],
        net_total=table.net_total[columns],
        live=table.live[:, columns],
        costs=np.fromiter((candidate.cost for candidate in candidates), np.int64, count),
        sure=np.fromiter((candidate.sure for candidate in candidates), np.bool_, count),
        profile_version=table.version,
        k=k,
        stop_at=stop_at,
        budget=budget,
        thrift=thrift,
        readings=readings,
    )


def seat(slate: Slate, at: int, score: float, quality: float, why: str) -> Seat:
    """Return the seat of one candidate."""
    candidate = slate.candidates[at]
    return Seat(candidate.spec.name, score, quality, candidate.cost, why)
