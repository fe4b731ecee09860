"""A hall to convene in: the real service over scripted experts and the real calculator, on given stores."""

from __future__ import annotations

import random
from contextlib import aclosing
from dataclasses import dataclass, field

from agents.convening import Asked
from agents.service import ConveningService
from agents.shadowing import Shadowing
from core.answers import Answer
from core.budgets import Budget
from core.clock import SystemClock
from core.events import Event, EventKind
from core.experts import Catalogue, ExpertSpec, Kind
from core.ids import ExpertName, KeyId, PoolName, RunId, UlidSource
from core.keys import ApiKey
from core.messages import Message, Role
from core.money import Price
from core.pools import PanelSize, PoolSpec, Shadow
from core.ports import Embedder, RunLog, ShadowLog, Transport
from core.profiles import ProfileSet
from core.query import Query
from experts.gateway import ExpertGateway
from experts.scripted import ScriptedTransport
from experts.tool import ToolTransport
from routing.deciding import RoutingService
from routing.profiles import unmeasured
from storage.memory.ledger import MemoryLedger
from tests.experts.room import Lines
from wiring.tools import answering_tools, screens_of

OPENED: list[ConveningService] = []
"""The services of the running test: what they still record would outlive its database."""


def says(name: str, reply: str, **options: object) -> ExpertSpec:
    """An expert that says `reply`, priced so that money can be seen."""
    texts = tuple((key, str(value)) for key, value in {"reply": reply, **options}.items())
    return ExpertSpec(
        ExpertName(name), Kind.SCRIPTED, "echo", options=texts, family=name, price=Price(output_per_million=1_000_000)
    )


def calculator() -> ExpertSpec:
    """The exact calculator as an expert."""
    return ExpertSpec(ExpertName("calculator"), Kind.TOOL, "calculator", abilities=frozenset({"arithmetic"}))


@dataclass
class Hall:
    """Everything one test convenes with; `told` are the events of the last convening."""

    service: ConveningService
    pool: PoolSpec
    ledger: MemoryLedger
    usage: Lines
    scripted: ScriptedTransport
    shadowing: Shadowing | None = None
    told: list[Event] = field(default_factory=list)

    async def ask(self, text: str, run: str = "run", key: ApiKey | None = None, **terms: object) -> Answer:
        """Convene the pool and return the answer; raises what the run raises."""
        query = Query((Message(Role.USER, text),), **terms)  # type: ignore[arg-type]  # terms are a test's own
        self.told = []
        async with aclosing(self.service.convene(Asked(RunId(run), query, key), self.pool)) as items:
            async for item in items:
                if isinstance(item, Answer):
                    return item
                self.told.append(item)
        raise AssertionError("a run ends with an answer or an error")

    def kinds(self) -> list[EventKind]:
        """The kinds of what was told, in order, each streak once."""
        kinds = [event.kind for event in self.told]
        return [kind for at, kind in enumerate(kinds) if at == 0 or kinds[at - 1] is not kind]

    def words(self) -> str:
        """The answer as it was streamed."""
        return "".join(str(e.data.get("text", "")) for e in self.told if e.kind is EventKind.ANSWER_DELTA)


def hall_of(
    *experts: ExpertSpec,
    runs: RunLog,
    embedder: Embedder,
    aggregator: str = "auto",
    k: int = 3,
    budget: Budget | None = None,
    router: str = "panel",
    routing: type[RoutingService] = RoutingService,
    profiles: ProfileSet | None = None,
    stand_in: str | None = None,
    shadow: Shadow | None = None,
    shadows: ShadowLog | None = None,
) -> Hall:
    """A hall whose pool holds `experts`, none of them measured unless there are `profiles`."""
    clock, usage, scripted = SystemClock(), Lines(), ScriptedTransport()
    catalogue = Catalogue({expert.name: expert for expert in experts})
    transports: dict[Kind, Transport] = {Kind.SCRIPTED: scripted, Kind.TOOL: ToolTransport(answering_tools())}
    gateway = ExpertGateway(catalogue, transports, usage, clock, random.Random(1))
    recruiter = routing(
        catalogue=catalogue,
        profiles=lambda name: profiles or unmeasured(name, clock.now()),
        embedder=embedder,
        gateway=gateway,
        clock=clock,
        ids=UlidSource(clock),
        rng=random.Random(1),
        config_version="test",
        screens=screens_of(catalogue),
        stand_in=lambda _: stand_in,
    )
    pool = PoolSpec(
        PoolName("hall"),
        tuple(catalogue.experts),
        router=router,
        k=PanelSize(max=k, stop_at=1.0),
        aggregator=aggregator,
        budget=budget or Budget(),
        shadow=shadow or Shadow(),
    )
    ledger = MemoryLedger(clock)
    shadowing = Shadowing(gateway, recruiter, shadows, clock, random.Random(1)) if shadows else None
    service = ConveningService(
        gateway=gateway,
        recruiter=recruiter,
        ledger=ledger,
        runs=runs,
        experts=catalogue.experts,
        clock=clock,
        keep_words=False,
        shadowing=shadowing,
    )
    OPENED.append(service)
    return Hall(service, pool, ledger, usage, scripted, shadowing)


def key_of(budget: Budget | None = None, concurrency: int | None = None) -> ApiKey:
    """A key of the account `key:k1`."""
    return ApiKey(KeyId("k1"), "test", b"", SystemClock().now(), concurrency=concurrency, budget=budget or Budget())
