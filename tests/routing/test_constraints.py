"""Every reason to leave an expert out is found, said, and turned into the right error when nobody is left."""

from __future__ import annotations

import pytest

from core.budgets import Budget
from core.errors import BudgetExceeded, ConclaveError, ContextTooLong, InvalidRequest, Overloaded
from core.experts import Catalogue, DataTerms, ExpertSpec, Kind
from core.ids import ExpertName
from core.messages import Image, Message, ResponseFormat, Role, Sampling, ToolSpec
from core.money import Micros
from core.query import Constraints, Query
from routing.constraints import Screen, Sifted, nobody, sift
from tests.routing.pool import CALCULATOR, CODER, PRICED, pool, profile, profile_set, query, spec

REMOTE = spec("remote", kind=Kind.REMOTE, data=DataTerms("us", may_train=True), price=PRICED, max_output=100)

TAGGED = spec("tagged", data=DataTerms(tags=frozenset({"licence:nc", "trained-on-web"})))


def sifted(
    one: Query, *specs: ExpertSpec, sick: dict[str, str] | None = None, screens: dict[ExpertName, Screen] | None = None
) -> Sifted:
    return sift(
        one,
        pool(specs),
        Catalogue({spec.name: spec for spec in specs}),
        profile_set(profile("coder", law=(1, 0))),
        healthy=lambda name: (sick or {}).get(name),
        screens=screens or {},
    )


IMAGE = Query((Message(Role.USER, "What is this?", images=(Image("https://example.org/a.png"),)),))


@pytest.mark.parametrize(
    ("one", "expert", "why"),
    [
        (query(constraints=Constraints(exclude=frozenset({CODER.name}))), CODER, "excluded by the request"),
        (query(constraints=Constraints(needs=frozenset({"code"}))), CODER, "cannot do code"),
        (query(tools=(ToolSpec("search"),)), CODER, "cannot do tools"),
        (query(response_format=ResponseFormat("json_schema")), CODER, "cannot do json_schema"),
        (IMAGE, CODER, "cannot do vision"),
        (query("word " * 4000), CODER, "context of 4,096 tokens; the query needs about 5,065"),
        (query(constraints=Constraints(local_only=True)), REMOTE, "not local: the words would leave this installation"),
        (
            query(constraints=Constraints(no_training=True)),
            REMOTE,
            "its provider may train on what it is sent",
        ),
        (query(constraints=Constraints(regions=frozenset({"eu", "ch"}))), REMOTE, "data region us is not ch or eu"),
        (
            query(constraints=Constraints(without_regions=frozenset({"us"}))),
            REMOTE,
            "data region us, excluded by the request",
        ),
        (
            query(constraints=Constraints(without_families=frozenset({"qwen"}))),
            CODER,
            "of the family qwen, excluded by the request",
        ),
        (
            query(constraints=Constraints(without_tags=frozenset({"licence:nc", "trained-on-web", "x"}))),
            TAGGED,
            "tagged licence:nc and trained-on-web, excluded by the request",
        ),
        (query("hi", budget=Budget(micros=Micros(50))), REMOTE, "about $0.000101 a call; the budget is $0.000050"),
    ],
)
def test_the_reason_is_said(one: Query, expert: ExpertSpec, why: str) -> None:
    found = sifted(one, expert)

    assert found.candidates == ()
    assert [out.why for out in found.exclusions] == [why]


def test_an_unhealthy_expert_is_left_out_with_the_gateways_reason() -> None:
    found = sifted(query(), CODER, REMOTE, sick={"remote": "no key configured"})

    assert [candidate.spec.name for candidate in found.candidates] == ["coder"]
    assert [(out.expert, out.why) for out in found.exclusions] == [("remote", "no key configured")]


def test_a_screen_that_says_no_leaves_its_expert_out_and_one_that_says_yes_makes_it_sure() -> None:
    no = sifted(query("Who won?"), CALCULATOR, CODER, screens={CALCULATOR.name: lambda _: False})
    yes = sifted(query("2 + 2"), CALCULATOR, CODER, screens={CALCULATOR.name: lambda _: True})

    assert no.exclusions[0].why == "declines: not an exact expression"
    assert [(candidate.spec.name, candidate.sure) for candidate in yes.candidates] == [
        ("calculator", True),
        ("coder", False),
    ]


def test_an_expert_that_is_not_configured_is_left_out() -> None:
    found = sift(query(), pool([CODER]), Catalogue(), profile_set(), healthy=lambda _: None, screens={})

    assert found.exclusions[0].why == "not configured"


def test_a_local_expert_meets_every_demand_on_data() -> None:
    strict = Constraints(regions=frozenset({"eu"}), no_training=True, local_only=True)

    assert len(sifted(query(constraints=strict), CODER).candidates) == 1


def test_the_expected_cost_follows_the_length_and_the_wanted_output() -> None:
    short, long = (sifted(query(text), REMOTE).candidates[0].cost for text in ("hi", "word " * 400))
    brief = sifted(query("hi", sampling=Sampling(max_tokens=5)), REMOTE).candidates[0].cost

    assert brief < short < long


@pytest.mark.parametrize(
    ("one", "sick", "error"),
    [
        (query(), {"remote": "circuit open"}, Overloaded),
        (query(budget=Budget(micros=Micros(1))), {}, BudgetExceeded),
        (query(constraints=Constraints(local_only=True)), {}, InvalidRequest),
    ],
)
def test_when_nobody_is_left_the_error_says_what_can_be_done(
    one: Query, sick: dict[str, str], error: type[ConclaveError]
) -> None:
    made = nobody(pool([REMOTE]), sifted(one, REMOTE, sick=sick).reasons)

    assert type(made) is error
    assert made.message.startswith('no expert of pool "default" can take this query: remote: ')


def test_a_query_too_long_for_everyone_is_a_context_error() -> None:
    assert type(nobody(pool([CODER]), sifted(query("word " * 4000), CODER).reasons)) is ContextTooLong


def test_the_error_of_a_large_pool_stays_short() -> None:
    many = [spec(f"expert-{at}", kind=Kind.REMOTE) for at in range(500)]

    made = nobody(pool(many), sifted(query(constraints=Constraints(local_only=True)), *many).reasons)

    assert made.message.endswith("; and 492 more")
