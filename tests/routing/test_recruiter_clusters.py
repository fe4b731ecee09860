"""Avengers: experts ranked by cluster; Avengers-Pro: accuracy traded for cost."""

from __future__ import annotations

import random

import numpy as np
import pytest

from routing.recruiters import clusters
from routing.slate import Choice, Slate
from tests.routing.schooled import EAST, WEST, asked, panel, schooling, whys

RECRUITER = clusters.make(schooling())


def recruited(slate: Slate) -> Choice:
    return RECRUITER.recruit(slate, random.Random(0))


def test_a_query_goes_to_the_best_ranked_of_its_clusters() -> None:
    assert panel(recruited(asked(EAST))) == ["east-dear"]
    assert panel(recruited(asked(WEST, k=2))) == ["west-dear", "west-cheap"]


def test_rank_counts_as_the_paper_has_it() -> None:
    scores = clusters.by_rank(np.array([[0.2, 0.9, 0.5, 0.1]]), asked(EAST))

    assert scores.tolist() == [pytest.approx([1 / 2.1, 1 / 0.1, 1 / 1.1, 1 / 3.1])]


def test_of_equally_ranked_experts_the_cheaper_comes_first() -> None:
    scores = clusters.by_rank(np.array([[0.5, 0.5, 0.5, 0.5]]), asked(EAST))

    assert np.argsort(-scores[0]).tolist() == [0, 2, 1, 3]


def test_money_trades_accuracy_for_cost_over_the_candidates() -> None:
    # A thrift of 1 is an alpha of a half. Costs are 100, 400, 120 and 600.
    scores = clusters.traded(np.array([[0.5, 0.9, 0.1, 0.5]]), asked(EAST, thrift=1.0))

    expected = [(0.5 + 5 / 6) / 2, (1.0 + 2 / 6) / 2, (0.0 + 4.8 / 6) / 2, (0.5 + 0.0) / 2]
    assert scores.tolist() == [pytest.approx(expected)]


def test_thrift_asks_one_expert_and_the_more_the_cheaper() -> None:
    assert panel(recruited(asked(EAST, thrift=0.01, k=3))) == ["east-dear"]
    assert panel(recruited(asked(EAST, thrift=1.0, k=3))) == ["east-cheap"]


def test_an_expert_without_lessons_is_ranked_by_its_counts() -> None:
    choice = recruited(asked(EAST, "stranger", "east-cheap", "west-cheap", k=2))

    assert panel(choice) == ["east-cheap", "stranger"]
    assert whys(choice)["stranger"] == "by counts, not lessons: fair on law (3 of 6 in profile 7f3a), about $0.00005"
    assert whys(choice)["east-cheap"].endswith("of the 3 nearest clusters, about $0.0001")
