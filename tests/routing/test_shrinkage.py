"""Thin evidence backs off to the parent skill and to the overall rate; thick evidence stands for itself."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import ExpertName, SkillName
from core.profiles import ExpertProfile, ProfileSet, Record
from core.skills import Skill
from routing.profiles import table_of
from routing.profiles.hierarchy import Places
from routing.profiles.shrinkage import STRENGTH, overall_means, posterior_means, shrunk
from routing.quality import SHRINKAGE
from tests.routing.pool import AT

counts = st.integers(0, 200)
rates = st.floats(0.01, 0.99)
LINE = np.array([[0], [1]])
MEGABYTE = 1_000_000


def mean(child: tuple[int, int], parent: tuple[int, int], prior: float, line: Places = LINE) -> float:
    """The posterior mean of a skill below a parent."""
    wins, losses = (np.array([[parent[at]], [child[at]], [0]], np.float64) for at in (0, 1))
    return float(posterior_means(wins, losses, line, np.array([prior]))[0, 0])


def parents_mean(parent: tuple[int, int], prior: float) -> float:
    return mean((0, 0), parent, prior, np.array([[0]]))


@given(counts, counts, counts, counts, rates)
def test_a_mean_lies_between_its_own_rate_and_its_parents_mean(
    won: int, lost: int, above: int, below: int, prior: float
) -> None:
    parent = (above + won, below + lost)
    own = won / (won + lost) if won + lost else parents_mean(parent, prior)
    ends = sorted([own, parents_mean(parent, prior)])

    assert ends[0] - 1e-12 <= mean((won, lost), parent, prior) <= ends[1] + 1e-12


@given(counts, counts, counts, counts, rates, st.integers(2, 9))
def test_more_evidence_of_the_same_rate_is_nearer_to_that_rate(
    won: int, lost: int, above: int, below: int, prior: float, times: int
) -> None:
    own = won / (won + lost) if won + lost else prior
    parent = (above, below)

    nearer = abs(mean((won * times, lost * times), parent, prior) - own)

    assert nearer <= abs(mean((won, lost), parent, prior) - own) + 1e-12 or not won + lost


@given(counts, counts, counts, counts, rates)
def test_one_more_win_never_lowers_a_mean(won: int, lost: int, above: int, below: int, prior: float) -> None:
    parent = (above + won, below + lost)
    before = mean((won, lost), parent, prior)

    assert mean((won + 1, lost), parent, prior) >= before
    assert mean((won + 1, lost), (parent[0] + 1, parent[1]), prior) >= before


@given(counts, counts, rates)
def test_without_evidence_a_mean_is_the_parents_and_without_a_parent_the_overall_one(
    above: int, below: int, prior: float
) -> None:
    assert mean((0, 0), (above, below), prior) == parents_mean((above, below), prior)
    assert mean((0, 0), (above, below), prior, np.array([[-1], [1]])) == prior


def test_the_whole_table_is_shrunk_as_its_rows_are() -> None:
    table = table_of(large(skills=700, experts=3))
    means = shrunk(table)

    row = 650
    line = np.array([[table.parents[row]], [row]])
    expected = posterior_means(table.wins, table.losses, line, overall_means(table.overall))
    assert means[row] == pytest.approx(expected[0])
    assert means[-1] == pytest.approx(overall_means(table.overall))


def test_skills_are_shrunk_as_strongly_as_decisions_shrink_them() -> None:
    assert STRENGTH == SHRINKAGE


def test_a_thousand_experts_by_ten_thousand_skills_stay_under_200_megabytes() -> None:
    # A tenth of the skills: everything that grows with the pool is one row a skill.
    profiles = large(skills=1_000, experts=1_000)
    tracemalloc.start()
    try:
        means = shrunk(table_of(profiles))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert means.shape == (1_001, 1_001)
    assert peak < 20 * MEGABYTE


def large(skills: int, experts: int) -> ProfileSet:
    """Profiles that know ten skills each; the skills stand below one of ten parents."""
    names = [SkillName(f"s{at}") for at in range(skills)]
    listed = tuple(Skill(name, parent=names[at % 10] if at >= 10 else None) for at, name in enumerate(names))
    known = {
        ExpertName(f"e{at}"): ExpertProfile(
            ExpertName(f"e{at}"),
            {names[(at + step * 7) % skills]: Record(at % 5 + step, step) for step in range(10)},
            Record(45, 45),
        )
        for at in range(experts)
    }
    return ProfileSet("v", "p", "q", AT, listed, known)
