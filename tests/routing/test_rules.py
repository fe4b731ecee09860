"""Panel rules: families and host groups keep to their share, a mended panel is lawful, and a lean moves no vote."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import ExpertName
from core.money import Micros
from core.pools import Rules
from routing.rules import may_join, obeying, quality_of, swayed
from routing.slate import Choice, Slate
from tests.routing.choosing import choice, laid_out, seated, specs_of
from tests.routing.pool import spec

ONE = Rules(per_family=1)


@dataclass(frozen=True)
class Case:
    """A slate with a choice over it, and rules."""

    slate: Slate
    choice: Choice
    rules: Rules


@st.composite
def cases(draw: st.DrawFn) -> Case:
    count = draw(st.integers(1, 8))
    names = "abcdefgh"[:count]
    groups = st.sampled_from(["", "g1", "g2"])
    specs = [spec(name, family=draw(st.sampled_from(["x", "y", "z"])), group=draw(groups)) for name in names]
    qualities = {name: draw(st.floats(0, 1)) for name in names}
    costs = {name: draw(st.integers(0, 50)) for name in names}
    # A recruiter may draw one expert several times.
    panel = draw(st.lists(st.sampled_from(names), min_size=1, max_size=5))
    room = sum(costs[name] for name in panel) + draw(st.integers(0, 20))
    caps = st.none() | st.integers(1, 3)
    slate = laid_out(specs, budget=draw(st.none() | st.just(room)))
    return Case(slate, choice(qualities, panel, costs=costs), Rules(draw(caps), draw(caps)))


def spent(chosen: Choice) -> int:
    return sum(seat.expected_cost for seat in chosen.panel)


def everybody(chosen: Choice) -> set[str]:
    return {seat.expert for seat in (*chosen.panel, *chosen.passed)}


@given(cases())
def test_a_mended_panel_obeys_and_loses_nobody(case: Case) -> None:
    mended = obeying(case.choice, case.slate, case.rules)
    names = seated(mended)

    for at, name in enumerate(names):
        others = [ExpertName(other) for other in names[:at] + names[at + 1 :]]
        place = [candidate.spec.name for candidate in case.slate.candidates].index(ExpertName(name))
        assert may_join(case.slate.candidates, others, case.rules)[place]
    assert names[0] == seated(case.choice)[0]
    assert everybody(mended) == everybody(case.choice)
    assert len(names) <= len(case.choice.panel)
    assert not set(names) & {seat.expert for seat in mended.passed}


@given(cases())
def test_a_mended_panel_keeps_to_the_budget_and_needs_no_more_mending(case: Case) -> None:
    mended = obeying(case.choice, case.slate, case.rules)

    assert case.slate.budget is None or spent(mended) <= case.slate.budget
    assert obeying(mended, case.slate, case.rules) is mended
    assert obeying(case.choice, case.slate, Rules()) is case.choice


def test_the_second_of_a_family_gives_way_to_the_best_of_another() -> None:
    slate = laid_out(specs_of("qwen", "qwen", "llama", "gemma"))
    first = choice({"a": 0.9, "b": 0.8, "c": 0.6, "d": 0.7}, ["a", "b"])

    mended = obeying(first, slate, ONE)

    assert seated(mended) == ["a", "d"]
    assert mended.passed[0].why == "no more than 1 of the family qwen; measured"
    assert mended.expected_quality == pytest.approx(quality_of(mended.panel, slate))


def test_experts_of_a_host_group_keep_to_its_share_and_who_has_none_stands_alone() -> None:
    specs = [spec("a", group="gpu-0"), spec("b", group="gpu-0"), spec("c"), spec("d")]
    first = choice({"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6}, ["a", "b", "c", "d"])

    assert seated(obeying(first, laid_out(specs), Rules(per_group=1))) == ["a", "c", "d"]


def test_one_expert_drawn_twice_counts_twice() -> None:
    first = choice({"a": 0.9, "b": 0.8}, ["a", "a", "a"])

    mended = obeying(first, laid_out(specs_of("x", "y")), Rules(per_family=2))

    assert seated(mended) == ["a", "a", "b"]


def test_nobody_far_behind_is_brought_in_for_the_sake_of_a_rule() -> None:
    slate = laid_out(specs_of("qwen", "qwen", "llama"))

    assert seated(obeying(choice({"a": 0.9, "b": 0.8, "c": 0.4}, ["a", "b"]), slate, ONE)) == ["a"]


def test_who_was_seated_before_counts_and_who_is_not_worth_asking_stays_out() -> None:
    slate = laid_out(specs_of("qwen", "qwen", "llama"))
    further = choice({"b": 0.8, "c": 0.7}, ["b"])

    joined = obeying(further, slate, ONE, seated=[ExpertName("a")], least=0.0)
    nobody = obeying(further, slate, ONE, seated=[ExpertName("a")], least=0.75)

    assert (seated(joined), seated(nobody)) == (["c"], [])


def test_what_was_spent_on_seats_before_is_not_spent_again() -> None:
    laid = laid_out(specs_of("qwen", "qwen", "llama"), budget=9)
    slate = replace(laid, candidates=tuple(replace(one, cost=Micros(5)) for one in laid.candidates))
    further = choice({"b": 0.8, "c": 0.7}, ["b"], costs={"b": 5, "c": 5})

    assert seated(obeying(further, slate, ONE, seated=[ExpertName("a")])) == []


def test_who_may_join_is_told_for_every_candidate() -> None:
    slate = laid_out(specs_of("qwen", "llama", "qwen"))

    assert may_join(slate.candidates, [], ONE).tolist() == [True, True, True]
    assert may_join(slate.candidates, [ExpertName("a")], ONE).tolist() == [False, True, False]
    assert may_join(slate.candidates, [ExpertName("stranger")], ONE).all()


leans = st.lists(st.floats(-0.1, 0.1), min_size=8, max_size=8)


@given(cases(), leans)
def test_a_lean_never_costs_more_nor_more_quality_than_it_says_and_moves_no_expectation(
    case: Case, values: list[float]
) -> None:
    lean = np.array(values[: len(case.slate.candidates)])
    before = {seat.expert: seat.expected_quality for seat in (*case.choice.panel, *case.choice.passed)}

    after = swayed(case.choice, case.slate, lean, "leaning")

    assert spent(after) <= spent(case.choice)
    assert everybody(after) == everybody(case.choice)
    assert len(after.panel) == len(case.choice.panel)
    assert all(seat.expected_quality == before[seat.expert] for seat in (*after.panel, *after.passed))
    for old, new in zip(case.choice.panel, after.panel, strict=True):
        assert old.expected_quality - new.expected_quality <= np.ptp(lean) + 1e-9


@given(cases(), st.floats(-0.1, 0.1))
def test_an_even_lean_changes_nothing(case: Case, everywhere: float) -> None:
    lean = np.full(len(case.slate.candidates), everywhere)

    assert swayed(case.choice, case.slate, lean, "") is case.choice


def test_a_lean_turns_the_scale_between_equals_and_says_so() -> None:
    slate = laid_out(specs_of("x", "y"))

    after = swayed(choice({"a": 0.8, "b": 0.8}, ["a"]), slate, np.array([0.0, 0.01]), "to even out the load")

    assert (seated(after), after.panel[0].why) == (["b"], "to even out the load; measured")
    assert after.passed[0].why == "gave way: to even out the load; measured"


def test_a_lean_brings_in_nobody_dearer() -> None:
    slate = laid_out(specs_of("x", "y"))
    cheap = choice({"a": 0.5, "b": 0.9}, ["a"], costs={"a": 1, "b": 9})

    assert swayed(cheap, slate, np.array([0.0, 0.02]), "") is cheap


def test_an_empty_panel_has_no_quality() -> None:
    slate = laid_out(specs_of("x"))

    assert quality_of((), slate) == 0.0
    assert quality_of((replace(choice({"a": 0.7}, ["a"]).panel[0]),) * 2, slate) == pytest.approx(0.7)
