"""The constant recruiters and what all share: budgets, ties, latency, and who is known by counts alone."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from routing.quality import expected_qualities
from routing.recruiters import RECRUITERS, all_experts, best_single, cheapest, latency_aware, random_choice
from routing.recruiters.latency_aware import LatencyAware
from routing.slate import Choice, Slate
from tests.routing.schooled import EAST, NAMES, asked, expected, panel, schooling, whys

Recruit = Callable[[Slate, random.Random], Choice]

LEARNED = ("bandit", "clusters", "latency_aware", "neighbours", "null_experts", "top_p", "two_step")


def test_random_asks_each_as_often_as_the_next() -> None:
    drawn = Counter(panel(random_choice.recruit(asked(EAST), random.Random(seed)))[0] for seed in range(2000))

    # Four standard deviations of a binomial.
    assert all(abs(drawn[name] - 500) <= 4 * (2000 * 0.25 * 0.75) ** 0.5 for name in NAMES)


def test_random_asks_only_whom_the_budget_reaches() -> None:
    asked_names = {panel(random_choice.recruit(asked(EAST, budget=150), random.Random(seed)))[0] for seed in range(50)}

    assert asked_names == {"east-cheap", "west-cheap"}


def test_all_asks_everybody_and_says_that_it_went_beyond_k() -> None:
    choice = all_experts.recruit(asked(EAST, k=2), random.Random(0))

    assert set(panel(choice)) == set(NAMES)
    assert choice.panel[0].why.startswith("everybody is asked, beyond the 2 wanted: ")


def test_all_stops_where_the_budget_does() -> None:
    choice = all_experts.recruit(asked(EAST, budget=500), random.Random(0))

    assert panel(choice) == ["east-dear", "east-cheap"]
    assert whys(choice)["west-dear"].startswith("the budget does not reach: everybody is asked")


@pytest.mark.parametrize("recruit", [best_single.recruit, cheapest.recruit])
def test_a_constant_router_takes_the_next_when_its_own_is_too_dear(
    recruit: Callable[[Slate, random.Random], Choice],
) -> None:
    choice = recruit(asked(EAST, "west-dear", "east-cheap", budget=200), random.Random(0))

    assert panel(choice) == ["east-cheap"]


def test_of_equally_good_experts_the_cheaper_is_the_best_single() -> None:
    assert panel(best_single.recruit(asked(EAST, "west-dear", "east-dear"), random.Random(0))) == ["east-dear"]


def test_a_slow_expert_must_be_worth_its_wait() -> None:
    recruiter = LatencyAware(schooling())
    pair = ("east-dear", "east-cheap")
    slow = asked(EAST, *pair, thrift=0.1, latency={"east-dear": 30.0})
    even = asked(EAST, *pair, thrift=0.1, latency=dict.fromkeys(pair, 30.0))

    hasty, patient = (recruiter.recruit(slate, random.Random(0)) for slate in (slow, even))

    gain = patient.panel[0].score - patient.passed[0].score
    assert 0 < gain < latency_aware.WAITING
    assert (panel(patient), panel(hasty)) == (["east-dear"], ["east-cheap"])
    assert whys(hasty)["east-dear"].endswith("about $0.0004, about 30.0 s")


@pytest.mark.parametrize("name", LEARNED)
def test_who_has_no_lessons_is_expected_to_be_as_its_counts_say(name: str) -> None:
    slate = asked(EAST, "stranger", "east-dear")
    choice = RECRUITERS[name].make(schooling()).recruit(slate, random.Random(0))

    assert expected(choice)["stranger"] == pytest.approx(expected_qualities(slate)[0])
    assert "by counts, not lessons: fair on law (3 of 6 in profile 7f3a)" in whys(choice)["stranger"]


@pytest.mark.parametrize("name", LEARNED)
def test_a_screen_that_said_yes_outweighs_lessons(name: str) -> None:
    slate = asked(EAST, "west-dear", "west-cheap", sure=frozenset({"west-dear"}))
    choice = RECRUITERS[name].make(schooling()).recruit(slate, random.Random(0))

    assert panel(choice) == ["west-dear"]
    assert expected(choice)["west-dear"] == pytest.approx(expected_qualities(slate)[0])


@pytest.mark.parametrize("name", ["clusters", "neighbours", "two_step"])
def test_a_query_that_was_not_read_is_routed_by_counts_and_says_so(name: str) -> None:
    choice = RECRUITERS[name].make(schooling()).recruit(asked(None), random.Random(0))

    assert panel(choice) == ["east-dear"]
    assert choice.panel[0].why == "by counts, not lessons: strong on law (54 of 60 in profile 7f3a), about $0.0004"
