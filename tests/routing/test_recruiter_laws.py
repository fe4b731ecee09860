"""Laws that every registered recruiter keeps, on any slate, with and without lessons."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import NotFound
from core.money import Micros
from routing.recruiters import RECRUITERS, ROUTERS, Recruiter, recruiter_for
from routing.recruiters.contract import Heard
from routing.slate import Choice, Slate
from routing.voting import HEARD_CLUES
from tests.routing.schooled import NAMES, asked, schooling

NAMED = sorted(RECRUITERS)
SCHOOLED = [pytest.param(True, id="schooled"), pytest.param(False, id="cold")]
# To the letter of its paper it draws with replacement and knows no prices.
PAPER = {"symbolic"}
# These rather ask nobody than somebody far behind the best, even when the best is too dear.
PROUD = {"conclave", "panel"}
# These seat one candidate: the one of the best score, whatever a score is made of.
BY_SCORE = ("bandit", "best_single", "latency_aware", "neighbours", "two_step")
# And of these the score is the quality expected, while money does not count.
BY_QUALITY = ("neighbours", "two_step")

every = pytest.mark.parametrize("name", NAMED)
both = pytest.mark.parametrize("learned", SCHOOLED)


@cache
def made(name: str, learned: bool) -> Recruiter:
    return RECRUITERS[name].make(schooling() if learned else None)


@st.composite
def slates(draw: st.DrawFn) -> Slate:
    names = draw(st.lists(st.sampled_from([*NAMES, "stranger"]), min_size=1, unique=True))
    return asked(
        draw(st.none() | st.sampled_from([0, 1])),
        *names,
        k=draw(st.integers(1, 5)),
        budget=draw(st.none() | st.integers(0, 2000)),
        thrift=draw(st.sampled_from([0.0, 0.05, 1.0, 50.0])),
        costs={name: draw(st.sampled_from([0, 1, 100, 120, 700])) for name in names},
        sure=frozenset(draw(st.lists(st.sampled_from(names)))),
        latency={name: draw(st.floats(0, 30)) for name in names},
    )


def recruited(name: str, learned: bool, slate: Slate, seed: int = 0) -> Choice:
    return made(name, learned).recruit(slate, random.Random(seed))


def replies(slate: Slate, choice: Choice, rng: random.Random) -> list[Heard]:
    places = {candidate.spec.name: at for at, candidate in enumerate(slate.candidates)}
    return [Heard(places[seat.expert], rng.randrange(-1, 4), np.zeros(HEARD_CLUES)) for seat in choice.panel]


def cheaper_than(budget: Micros | None, choice: Choice) -> bool:
    return budget is None or sum(seat.expected_cost for seat in choice.panel) <= budget


@every
@both
@given(slate=slates())
@settings(max_examples=40, deadline=None)
def test_every_candidate_has_one_place_and_a_reason(name: str, learned: bool, slate: Slate) -> None:
    choice = recruited(name, learned, slate)

    seats = (*choice.panel, *choice.passed)
    names = {candidate.spec.name for candidate in slate.candidates}
    assert {seat.expert for seat in seats} == names
    assert name in PAPER or len(seats) == len(names)
    assert not {seat.expert for seat in choice.panel} & {seat.expert for seat in choice.passed}
    assert all(seat.why and "nan" not in seat.why and "\n" not in seat.why for seat in seats)
    assert all(np.isfinite(seat.score) and 0 <= seat.expected_quality <= 1 for seat in seats)
    assert 0 <= choice.expected_quality <= 1


@every
@both
@given(slate=slates())
@settings(max_examples=40, deadline=None)
def test_no_panel_exceeds_its_seats_or_its_budget(name: str, learned: bool, slate: Slate) -> None:
    choice = recruited(name, learned, slate)

    assert name == "all" or len(choice.panel) <= slate.k
    assert name in PAPER or cheaper_than(slate.budget, choice)


@every
@both
@given(slate=slates())
@settings(max_examples=40, deadline=None)
def test_somebody_is_asked_whenever_the_budget_reaches_anybody(name: str, learned: bool, slate: Slate) -> None:
    reached = slate.budget is None or int(slate.costs.min()) <= slate.budget

    assert name in PAPER | PROUD or bool(recruited(name, learned, slate).panel) == reached


@every
@both
@given(slate=slates(), seed=st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_the_same_seed_chooses_the_same(name: str, learned: bool, slate: Slate, seed: int) -> None:
    assert recruited(name, learned, slate, seed) == recruited(name, learned, slate, seed)


@every
@both
@given(slate=slates(), seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_a_consultation_ends_within_its_seats_and_its_budget(name: str, learned: bool, slate: Slate, seed: int) -> None:
    rng = random.Random(seed)
    choice: Choice | None = recruited(name, learned, slate, seed)
    heard: list[Heard] = []
    while choice is not None and choice.panel:
        said = replies(slate, choice, rng)
        assert name in PAPER or not {one.at for one in said} & {one.at for one in heard}
        heard += said
        choice = made(name, learned).more(slate, heard, rng)

    spent = int(sum(slate.costs[one.at] for one in heard))
    assert name == "all" or len(heard) <= slate.k
    assert name in PAPER or slate.budget is None or spent <= slate.budget


@pytest.mark.parametrize("name", BY_SCORE)
@both
@given(slate=slates(), more=st.integers(0, 2000))
@settings(max_examples=40, deadline=None)
def test_more_money_never_finds_a_lower_score(name: str, learned: bool, slate: Slate, more: int) -> None:
    poor = recruited(name, learned, replace(slate, budget=Micros(300)))
    rich = recruited(name, learned, replace(slate, budget=Micros(300 + more)))

    assert not poor.panel or rich.panel[0].score >= poor.panel[0].score


@pytest.mark.parametrize("name", BY_QUALITY)
@both
@given(slate=slates(), more=st.integers(0, 2000))
@settings(max_examples=40, deadline=None)
def test_more_money_never_finds_lower_quality(name: str, learned: bool, slate: Slate, more: int) -> None:
    poor = recruited(name, learned, replace(slate, budget=Micros(300)))
    rich = recruited(name, learned, replace(slate, budget=Micros(300 + more)))

    assert rich.expected_quality >= poor.expected_quality


@every
@both
def test_no_expert_outside_the_slate_is_asked(name: str, learned: bool) -> None:
    slate = asked(0, "west-cheap", "east-cheap", k=3)

    asked_names = {seat.expert for seed in range(20) for seat in recruited(name, learned, slate, seed).panel}
    assert asked_names <= {"west-cheap", "east-cheap"}


@every
def test_every_recruiter_says_what_it_is(name: str) -> None:
    traits = recruiter_for(name).traits

    assert traits.name == name
    assert all((traits.family, traits.cold_start, traits.source))


def test_an_unknown_recruiter_is_refused_with_near_names() -> None:
    with pytest.raises(NotFound, match='did you mean "neighbours"'):
        recruiter_for("neighbors")


def test_the_names_a_configuration_may_use_are_those_registered() -> None:
    assert set(RECRUITERS) == ROUTERS
