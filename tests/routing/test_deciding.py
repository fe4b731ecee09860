"""Whole decisions: the right expert, an explanation for everyone, and laws that hold for any pool and query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.budgets import Budget
from core.decision import Decision
from core.errors import ConclaveError, ConfigurationError, ContextTooLong, NotFound, Unprocessable
from core.experts import ExpertSpec, Kind
from core.ids import ExpertName, SkillName
from core.messages import ToolSpec
from core.money import Micros, Price
from core.pools import PanelSize
from core.ports import Recruiter
from core.profiles import ExpertProfile, ProfileSet, Record
from core.query import Constraints, Query
from core.skills import Tags
from routing.embedding import LocalEmbedder
from routing.profiles import unmeasured
from routing.quality import expected_qualities
from routing.recruiters import ROUTERS, recruiter_for
from tests.routing.pool import (
    AT,
    CODER,
    EXPERTS,
    PROFILES,
    ListedGateway,
    pool,
    profile,
    profile_set,
    query,
    service,
    slate,
    spec,
    tags,
)

SCREENS = {"calculator": lambda text: text.startswith("What is") and any(sign in text for sign in "*+%")}


def routing(embedder: LocalEmbedder, profiles: ProfileSet = PROFILES) -> Recruiter:
    return service(EXPERTS, profiles, embedder, screens=SCREENS)


def names(decision: Decision) -> list[str]:
    return [seat.expert for seat in decision.panel]


async def test_arithmetic_goes_to_the_calculator_alone(embedder: LocalEmbedder) -> None:
    decision = await routing(embedder).decide(query("What is 17 * 23?"), pool(EXPERTS))

    assert names(decision) == ["calculator"]
    assert decision.panel[0].why == "exact on arithmetic (41 of 41 in profile 7f3a), free"
    assert decision.panel[0].expected_quality > 0.9
    assert decision.aggregator is None


async def test_an_open_question_goes_to_several_language_experts(embedder: LocalEmbedder) -> None:
    decision = await routing(embedder).decide(
        query("When did the second world war end?"), pool(EXPERTS, router="panel")
    )

    assert names(decision)[0] == "generalist"
    assert len(names(decision)) >= 2
    assert [(out.expert, out.why) for out in decision.excluded] == [("calculator", "declines: not an exact expression")]
    assert decision.aggregator == "generalist"


async def test_a_decision_records_everything_that_led_to_it(embedder: LocalEmbedder) -> None:
    decision = await routing(embedder).decide(query(seed=5), pool(EXPERTS, router="symbolic"))

    assert (decision.router, decision.tagger, decision.seed) == ("symbolic", "embedding", 5)
    assert (decision.profile_version, decision.config_version, decision.strategy) == ("7f3a", "c1", "panel")
    assert decision.skills[0].name == "arithmetic"
    assert len(decision.id) == 26


@pytest.mark.parametrize("router", sorted(ROUTERS))
async def test_the_same_seed_makes_the_same_decision(embedder: LocalEmbedder, router: str) -> None:
    where, what = pool(EXPERTS, router=router), query("Why did Rome fall?", seed=11)

    first = await routing(embedder).decide(what, where)
    second = await routing(embedder).decide(what, where)

    assert replace(first, id=second.id) == second


async def test_without_a_seed_one_is_drawn_and_recorded(embedder: LocalEmbedder) -> None:
    recruiter = routing(embedder)

    seeds = {(await recruiter.decide(query(), pool(EXPERTS))).seed for _ in range(3)}

    assert None not in seeds
    assert len(seeds) == 3


async def test_an_explicit_k_is_not_cut_short(embedder: LocalEmbedder) -> None:
    decision = await routing(embedder).decide(query("Write a Python function.", k=2), pool(EXPERTS, k=PanelSize(1, 0)))

    assert len(decision.panel) == 2


async def test_tool_calls_are_one_experts_to_make(embedder: LocalEmbedder) -> None:
    able = [replace(expert, abilities=frozenset({"chat", "tools"})) for expert in EXPERTS]

    decision = await service(able, PROFILES, embedder).decide(query(tools=(ToolSpec("search"),)), pool(able))

    assert len(decision.panel) == 1


async def test_no_panel_has_more_seats_than_the_budget_has_calls(embedder: LocalEmbedder) -> None:
    decision = await routing(embedder).decide(
        query("When did Rome fall?", budget=Budget(calls=2)), pool(EXPERTS, router="symbolic")
    )

    assert len(decision.panel) <= 2


async def test_an_unmeasured_pool_is_routed_all_the_same(embedder: LocalEmbedder) -> None:
    decision = await routing(embedder, unmeasured("default", AT)).decide(query("Who was Caesar?"), pool(EXPERTS))

    assert decision.profile_version == "none"
    assert all(seat.why.startswith("never measured") for seat in decision.panel)


async def test_the_best_at_synthesis_aggregates(embedder: LocalEmbedder) -> None:
    quick = replace(PROFILES.of(ExpertName("quick")), synthesis=Record(9, 1))
    coder = replace(PROFILES.of(CODER.name), synthesis=Record(3, 7))
    measured = replace(PROFILES, experts={**PROFILES.experts, quick.expert: quick, coder.expert: coder})

    decision = await routing(embedder, measured).decide(query("When did Rome fall?"), pool(EXPERTS))

    assert decision.aggregator == "quick"


async def test_the_pools_own_aggregator_comes_first_unless_it_cannot_be_called(embedder: LocalEmbedder) -> None:
    where = pool(EXPERTS, aggregator_expert=ExpertName("quick"))
    sick = service(EXPERTS, PROFILES, embedder, gateway=ListedGateway(sick={"quick": "circuit open"}))

    well = await routing(embedder).decide(query("When did Rome fall?"), where)
    ill = await sick.decide(query("When did Rome fall?"), where)

    assert (well.aggregator, ill.aggregator) == ("quick", "generalist")


async def test_the_keyword_tagger_needs_an_expert(embedder: LocalEmbedder) -> None:
    with pytest.raises(ConfigurationError, match="keyword_expert"):
        await routing(embedder).decide(query(), pool(EXPERTS, tagger="keywords"))


async def test_deciding_by_the_keyword_tagger_calls_no_expert_without_a_payer(embedder: LocalEmbedder) -> None:
    gateway = ListedGateway()
    where = pool(EXPERTS, tagger="keywords", keyword_expert=ExpertName("quick"))

    await service(EXPERTS, PROFILES, embedder, gateway=gateway).decide(query(), where)

    assert gateway.calls == []


async def test_warming_up_changes_no_decision(embedder: LocalEmbedder) -> None:
    cold = service(EXPERTS, PROFILES, embedder)
    warm = service(EXPERTS, PROFILES, embedder)
    await warm.warm(pool(EXPERTS))

    assert await warm.decide(query(seed=1), pool(EXPERTS)) == await cold.decide(query(seed=1), pool(EXPERTS))


@pytest.mark.parametrize("k", [0, -3])
async def test_a_panel_of_nobody_is_refused(embedder: LocalEmbedder, k: int) -> None:
    with pytest.raises(Unprocessable):
        await routing(embedder).decide(query(k=k), pool(EXPERTS))


def test_an_unknown_router_is_refused_with_near_names() -> None:
    with pytest.raises(NotFound, match='did you mean "conclave"'):
        recruiter_for("conclav")


@pytest.mark.parametrize("text", ["", "🙂" * 50, "\ud83d", "2 + 2 = \x00", "x" * 12_000])
@pytest.mark.parametrize("router", sorted(ROUTERS))
async def test_odd_queries_get_a_decision(embedder: LocalEmbedder, router: str, text: str) -> None:
    decision = await routing(embedder).decide(query(text), pool(EXPERTS, router=router))

    assert decision.panel


async def test_a_query_too_long_for_everyone_gets_a_typed_error(embedder: LocalEmbedder) -> None:
    with pytest.raises(ContextTooLong):
        await routing(embedder).decide(query("x" * 20_000), pool(EXPERTS))


async def test_a_query_without_messages_is_routed_by_the_overall_record(embedder: LocalEmbedder) -> None:
    decision = await routing(embedder).decide(Query(()), pool(EXPERTS))

    assert decision.skills == ()
    assert "overall" in decision.panel[0].why


SKILL_NAMES = ("law", "art", "sums")
counts = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))


@st.composite
def pools(draw: st.DrawFn) -> tuple[list[ExpertSpec], ProfileSet]:
    specs: list[ExpertSpec] = []
    profiles: list[ExpertProfile] = []
    for at in range(draw(st.integers(1, 6))):
        price = Price(draw(st.integers(0, 10**7)), draw(st.integers(0, 10**7)))
        family = draw(st.sampled_from(["x", "y", ""]))
        specs.append(spec(f"e{at}", kind=draw(st.sampled_from(Kind)), price=price, family=family))
        if draw(st.booleans()):
            profiles.append(profile(f"e{at}", **{skill: draw(counts) for skill in SKILL_NAMES if draw(st.booleans())}))
    return specs, profile_set(*profiles)


@st.composite
def queries(draw: st.DrawFn, specs: Sequence[ExpertSpec]) -> Query:
    excluded = frozenset(draw(st.lists(st.sampled_from([one.name for one in specs]), max_size=3)))
    return query(
        draw(st.text(max_size=40)),
        k=draw(st.none() | st.integers(1, 9)),
        seed=draw(st.none() | st.integers(0, 2**31)),
        budget=Budget(micros=Micros(draw(st.integers(0, 5000))), calls=draw(st.none() | st.integers(0, 4))),
        constraints=Constraints(exclude=excluded, local_only=draw(st.booleans())),
    )


weights = st.dictionaries(st.sampled_from([*SKILL_NAMES, "unheard of"]), st.floats(0.01, 1.0), max_size=4)


@pytest.mark.parametrize("router", sorted(ROUTERS))
@given(data=st.data())
@settings(max_examples=60)
async def test_every_decision_is_lawful(embedder: LocalEmbedder, router: str, data: st.DataObject) -> None:
    specs, profiles = data.draw(pools())
    asked = data.draw(queries(specs))
    tagged: Tags = tags(**data.draw(weights))
    where = pool(specs, router=router)
    try:
        decision = await service(specs, profiles, embedder).decide(asked, where, tagged)
    except ConclaveError:
        return

    seated, out = set(names(decision)), {exclusion.expert for exclusion in decision.excluded}
    passed = {seat.expert for seat in decision.passed}
    # Asking everybody is what "all" is for; whatever `k` says.
    assert 1 <= len(decision.panel) <= (len(specs) if router == "all" else asked.k or where.k.max)
    assert seated | passed | out == set(where.experts)
    assert len(seated) + len(passed) + len(out) == len(where.experts)
    assert not seated & asked.constraints.exclude
    assert all(seat.why and "nan" not in seat.why for seat in (*decision.panel, *decision.passed))
    assert all(0 <= seat.expected_quality <= 1 for seat in (*decision.panel, *decision.passed))
    assert 0 <= decision.expected_quality <= 1


@given(counts, st.dictionaries(st.sampled_from(SKILL_NAMES), counts), weights, st.sampled_from(SKILL_NAMES))
def test_one_more_win_never_lowers_an_expert(
    overall: tuple[int, int, int], skills: dict[str, tuple[int, int, int]], tagged: dict[str, float], skill: str
) -> None:
    totals = [sum(column) for column in zip(overall, *skills.values(), strict=True)]
    before = profile("e", (totals[0], totals[1], totals[2]), **skills)
    name = SkillName(skill)
    skills_after = {**before.skills, name: before.on(name).plus(True)}
    after = replace(before, skills=skills_after, overall=before.overall.plus(True))

    quality = [expected_qualities(slate(profile_set(one), tagged))[0] for one in (before, after)]

    assert quality[1] >= quality[0] - 1e-12


async def test_seeded_decisions_do_not_depend_on_what_was_decided_before(embedder: LocalEmbedder) -> None:
    busy = routing(embedder)
    for _ in range(5):
        await busy.decide(query("Who was Caesar?"), pool(EXPERTS, router="symbolic"))

    late = await busy.decide(query(seed=3), pool(EXPERTS, router="symbolic"))
    early = await routing(embedder).decide(query(seed=3), pool(EXPERTS, router="symbolic"))

    assert late.panel == early.panel
