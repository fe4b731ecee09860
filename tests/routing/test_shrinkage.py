"""Thin evidence backs off to the parent skill and to the overall rate; thick evidence stands for itself."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.ids import SkillName
from core.skills import Skill
from routing.profiles.shrinkage import shrunk
from routing.quality import expected_qualities
from tests.routing.pool import profile, profile_set, slate

counts = st.integers(0, 200)
rates = st.floats(0.01, 0.99)
MATHS, ALGEBRA = SkillName("maths"), SkillName("algebra")


def mean(child: tuple[int, int], parent: tuple[int, int], prior: float) -> float:
    """The posterior mean of a skill below a parent."""
    line = [(np.array(float(won)), np.array(float(lost))) for won, lost in (parent, child)]
    return float(shrunk(line, np.array(prior)))


def parents_mean(parent: tuple[int, int], prior: float) -> float:
    return mean((0, 0), parent, prior)


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
    line = [(np.array(float(above)), np.array(float(below)))]
    assert mean((0, 0), (above, below), prior) == shrunk(line, np.array(prior))
    assert mean((0, 0), (0, 0), prior) == prior


def test_a_skill_without_evidence_is_judged_by_its_parent_before_the_whole_record() -> None:
    tree = (Skill(MATHS), Skill(ALGEBRA, parent=MATHS), Skill(SkillName("history")))
    able = profile("able", maths=(20, 0), history=(0, 20))
    poor = profile("poor", maths=(0, 20), history=(20, 0))

    qualities = expected_qualities(slate(profile_set(able, poor, skills=tree), {"algebra": 1.0}))

    assert qualities[0] > 0.85
    assert qualities[1] < 0.15


def test_who_declines_all_of_the_parent_is_not_expected_to_answer() -> None:
    tree = (Skill(MATHS), Skill(ALGEBRA, parent=MATHS), Skill(SkillName("history")))
    shy = profile("shy", maths=(0, 0, 30), history=(30, 0))

    assert expected_qualities(slate(profile_set(shy, skills=tree), {"algebra": 1.0}))[0] < 0.2
