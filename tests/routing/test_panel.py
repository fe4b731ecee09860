"""A panel chosen at once, and the constant recruiters: quality first, then money, no more seats than are needed."""

from __future__ import annotations

import random

import pytest

from core.experts import Kind
from core.profiles import ProfileSet
from routing.quality import expected_qualities, panel_quality
from routing.recruiters import best_single, cheapest
from routing.recruiters import panel as at_once
from routing.slate import Choice, Slate
from tests.routing.pool import profile, profile_set, slate, spec

STRONG, FAIR, WEAK = (38, 2), (24, 16), (6, 34)


def recruited(one: Slate) -> Choice:
    return at_once.recruit(one, random.Random(0))


def panel(choice: Choice) -> list[str]:
    return [seat.expert for seat in choice.panel]


def three(**records: tuple[int, int]) -> ProfileSet:
    return profile_set(*(profile(name.replace("_", "-"), law=record) for name, record in records.items()))


def test_a_confident_expert_is_a_panel_of_one() -> None:
    choice = recruited(slate(three(fair=FAIR, strong=STRONG), {"law": 0.9}))

    assert panel(choice) == ["strong"]
    assert choice.expected_quality >= 0.9
    assert choice.passed[0].why == "one expert is enough at 0.95; good on law (24 of 40 in profile 7f3a), free"


def test_a_panel_grows_to_k_while_it_is_not_good_enough() -> None:
    choice = recruited(slate(three(a=FAIR, b=FAIR, c=FAIR, d=FAIR), {"law": 0.9}))

    assert panel(choice) == ["a", "b", "c"]
    assert choice.passed[0].why.startswith("the panel of 3 is full; good on law (24 of 40")


def test_no_expert_is_asked_twice() -> None:
    assert panel(recruited(slate(three(only=FAIR), {"law": 0.9}))) == ["only"]


def test_an_expert_far_behind_the_best_is_not_asked() -> None:
    choice = recruited(slate(three(fair=FAIR, weak=WEAK), {"law": 0.9}))

    assert panel(choice) == ["fair"]
    assert choice.passed[0].why == "far behind the best: weak on law (6 of 40 in profile 7f3a), free"


def test_a_second_expert_of_another_family_is_preferred() -> None:
    specs = [spec("a", family="x"), spec("b", family="x"), spec("c", family="y")]
    choice = recruited(slate(three(a=(26, 14), b=(25, 15), c=FAIR), {"law": 0.9}, specs, k=2))

    assert panel(choice) == ["a", "c"]


def test_of_two_as_good_experts_the_cheaper_is_asked() -> None:
    choice = recruited(slate(three(dear=FAIR, cheap=FAIR), {"law": 0.9}, costs={"dear": 900, "cheap": 100}, k=1))

    assert panel(choice) == ["cheap"]
    assert choice.panel[0].why == "good on law (24 of 40 in profile 7f3a), about $0.0001"


def test_a_much_better_expert_is_worth_its_price() -> None:
    choice = recruited(slate(three(dear=STRONG, cheap=FAIR), {"law": 0.9}, costs={"dear": 900}, k=1))

    assert panel(choice) == ["dear"]


def test_a_panel_never_costs_more_than_the_budget() -> None:
    choice = recruited(slate(three(a=FAIR, b=FAIR, c=FAIR), {"law": 0.9}, costs={"a": 50, "b": 60, "c": 40}, budget=95))

    assert sum(seat.expected_cost for seat in choice.panel) <= 95
    assert choice.passed[0].why.startswith("the rest of the budget does not reach")


def test_a_few_lucky_questions_do_not_outweigh_a_poor_record() -> None:
    profiles = profile_set(profile("lucky", (20, 80), law=(2, 0)), profile("solid", (70, 30), law=(28, 12)))

    lucky, solid = expected_qualities(slate(profiles, {"law": 0.9}))

    assert lucky < solid


def test_an_unrecognised_query_goes_by_the_overall_record() -> None:
    profiles = profile_set(profile("narrow", (30, 70), law=(30, 0)), profile("broad", (60, 40), law=(10, 10)))

    assert panel(recruited(slate(profiles, {}, k=1))) == ["broad"]
    assert panel(recruited(slate(profiles, {"law": 0.9}, k=1))) == ["narrow"]


def test_an_expert_that_usually_declines_is_not_asked() -> None:
    profiles = profile_set(profile("tool", sums=(40, 0), law=(1, 0, 39)), profile("model", sums=(20, 20), law=FAIR))

    choice = recruited(slate(profiles, {"law": 0.9}))

    assert panel(choice) == ["model"]
    assert choice.passed[0].why == "far behind the best: declines on law (39 of 40 in profile 7f3a), free"


def test_an_expert_whose_screen_said_yes_counts_by_its_answers_alone() -> None:
    specs = [spec("tool", kind=Kind.TOOL), spec("model")]
    profiles = profile_set(profile("tool", sums=(41, 0, 2), law=(0, 0, 40)), profile("model", sums=STRONG, law=FAIR))

    choice = recruited(slate(profiles, {"law": 0.5}, specs, sure=frozenset({"tool"})))

    assert panel(choice) == ["tool"]
    assert choice.panel[0].why == "exact where it answers (41 of 41 in profile 7f3a), free"


@pytest.mark.parametrize(
    ("qualities", "families", "expected"),
    [
        ([], [], 0.0),
        ([0.4], ["x"], 0.4),
        ([0.7, 0.7, 0.7], ["x", "y", "z"], 0.784),
        ([0.7, 0.7, 0.7], ["x", "x", "x"], 0.742),
        ([0.95, 0.6, 0.6], ["x", "y", "z"], 0.95),
        ([0.3, 0.2], ["x", "y"], 0.3),
    ],
)
def test_the_quality_of_a_panel_is_that_of_its_vote(
    qualities: list[float], families: list[str], expected: float
) -> None:
    assert panel_quality(qualities, families) == pytest.approx(expected)


def test_cheapest_takes_the_least_cost_and_of_equals_the_quickest() -> None:
    costs = {"a": 30, "b": 10, "c": 20}
    choice = cheapest.recruit(slate(three(a=STRONG, b=WEAK, c=FAIR), {"law": 0.9}, costs=costs), random.Random(0))

    assert panel(choice) == ["b"]
    assert [seat.expert for seat in choice.passed] == ["c", "a"]
    assert choice.panel[0].why == "cheapest: weak on law (6 of 40 in profile 7f3a), about $0.00001"


def test_cheapest_never_takes_a_free_expert_that_would_decline() -> None:
    profiles = profile_set(profile("tool", law=(1, 0, 39)), profile("model", law=WEAK))

    assert panel(cheapest.recruit(slate(profiles, {"law": 0.9}, costs={"model": 10}), random.Random(0))) == ["model"]


def test_best_single_is_the_best_overall_whatever_the_skill() -> None:
    profiles = profile_set(profile("narrow", (30, 70), law=(30, 0)), profile("broad", (60, 40), law=(1, 9)))

    choice = best_single.recruit(slate(profiles, {"law": 0.9}), random.Random(0))

    assert panel(choice) == ["broad"]
    assert choice.panel[0].why == "best overall: good overall (60 of 100 in profile 7f3a), free"
