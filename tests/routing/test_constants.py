"""Whom the constant routers would ask, and a constant that stands in for a router that loses to it."""

from __future__ import annotations

from dataclasses import replace

from core.ids import ExpertName
from core.pools import Shadow
from core.query import Constraints, Query
from core.shadows import CONSTANTS
from routing.embedding import LocalEmbedder
from routing.recruiters import ROUTERS
from tests.routing.pool import EXPERTS, PRICED, PROFILES, ListedGateway, pool, query, service, tags

WHERE = pool(EXPERTS)
DEAR = tuple(expert if expert.name == "quick" else replace(expert, price=PRICED) for expert in EXPERTS)
HISTORY = tags(history=1.0)


async def constants(embedder: LocalEmbedder, what: Query, gateway: ListedGateway | None = None) -> dict[str, str]:
    """Whom each constant would ask."""
    return dict(await service(DEAR, PROFILES, embedder, gateway=gateway).constants(what, WHERE, HISTORY))


async def test_every_constant_names_the_one_it_would_ask_as_the_router(embedder: LocalEmbedder) -> None:
    what = query("When did Rome fall?")

    found = await constants(embedder, what)

    assert set(found) == set(CONSTANTS) <= ROUTERS
    for name in ("best_single", "cheapest"):
        decision = await service(DEAR, PROFILES, embedder).decide(what, pool(DEAR, router=name), HISTORY)
        assert [seat.expert for seat in decision.panel] == [found[name]]


async def test_no_constant_names_one_that_the_query_excludes_or_that_is_sick(embedder: LocalEmbedder) -> None:
    what = query("When did Rome fall?", constraints=Constraints(exclude=frozenset({ExpertName("quick")})))
    gateway = ListedGateway(sick={"calculator": "it failed", "coder": "it failed", "generalist": "it failed"})

    found = await constants(embedder, what, gateway)

    assert set(found.values()) == {"first-opinion"}


async def test_where_nobody_may_be_asked_no_constant_asks_anybody(embedder: LocalEmbedder) -> None:
    nobody = Constraints(needs=frozenset({"vision"}))

    assert await constants(embedder, query(constraints=nobody)) == {}


async def test_naming_them_calls_no_expert(embedder: LocalEmbedder) -> None:
    gateway = ListedGateway()

    await constants(embedder, query(), gateway)

    assert gateway.calls == []


async def test_a_pool_that_falls_back_is_routed_by_the_stand_in_and_says_so(embedder: LocalEmbedder) -> None:
    where = pool(DEAR, shadow=Shadow(0.1, fall_back=True))

    decision = await service(DEAR, PROFILES, embedder, stand_in="cheapest").decide(query("Hi"), where, HISTORY)

    assert decision.router == "cheapest"
    assert [seat.expert for seat in decision.panel] == ["quick"]
    assert decision.panel[0].why.startswith("fallen back from conclave: cheapest: ")
    assert not decision.may_grow


async def test_a_pool_that_does_not_fall_back_keeps_its_router_whatever_it_loses_to(embedder: LocalEmbedder) -> None:
    where = pool(DEAR, shadow=Shadow(0.1))

    decision = await service(DEAR, PROFILES, embedder, stand_in="cheapest").decide(query("Hi"), where, HISTORY)

    assert decision.router == "conclave"
    assert "fallen back" not in decision.panel[0].why
