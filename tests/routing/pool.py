"""A small synthetic pool to route over: specs, records, queries and a gateway that answers from a list."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.budgets import Spend
from core.calls import Call
from core.clock import ManualClock
from core.errors import ConclaveError
from core.experts import Catalogue, ExpertSpec, Kind
from core.ids import ExpertName, PoolName, SkillName, UlidSource
from core.messages import Finish, FinishPiece, Message, Piece, Reply, Role, TextPiece
from core.money import Price
from core.pools import PanelSize, PoolSpec
from core.ports import Embedder
from core.profiles import ExpertProfile, ProfileSet, Record
from core.query import Query
from core.skills import Skill, SkillTag, Tags
from core.usage import Usage
from routing.constraints import Screen
from routing.deciding import ProfileProvider, RoutingService
from routing.profiles import table_of
from routing.slate import Candidate, Slate, slate_of

AT = datetime(2026, 1, 2, tzinfo=UTC)

HISTORY = (
    "When did the French Revolution begin?",
    "Which year did the Berlin wall fall?",
    "Who was the first emperor?",
)
SKILLS = (
    Skill(SkillName("arithmetic"), ("sums and products",), None, ("What is 17 * 23?", "Add 45 and 78.")),
    Skill(
        SkillName("history"),
        ("past events",),
        None,
        HISTORY,
    ),
    Skill(SkillName("translation"), ("french",), None, ("Translate 'the cat sleeps' to French.",)),
    Skill(SkillName("python"), ("programming",), None, ("Write a Python function that reverses a list.",)),
)

Counts = tuple[int, int] | tuple[int, int, int]


def spec(name: str, *, kind: Kind = Kind.HOSTED, **fields: object) -> ExpertSpec:
    """Return an expert that chats and is of its own family, unless the fields say otherwise."""
    filled: dict[str, object] = {"target": name, "family": name, **fields}
    return ExpertSpec(name=ExpertName(name), kind=kind, **filled)  # type: ignore[arg-type]  # fields are given by name


def profile(name: str, overall: Counts | None = None, **skills: Counts) -> ExpertProfile:
    """Return a profile; the overall record is the sum of the skills' unless it is given."""
    records = {SkillName(skill): Record(*counts) for skill, counts in skills.items()}
    total = Record(
        sum(record.wins for record in records.values()),
        sum(record.losses for record in records.values()),
        sum(record.declined for record in records.values()),
    )
    return ExpertProfile(ExpertName(name), records, Record(*overall) if overall else total)


def profile_set(*profiles: ExpertProfile, skills: Sequence[Skill] | None = None) -> ProfileSet:
    """Return the profiles as version `7f3a`; the skills are those of the profiles unless they are given."""
    names = dict.fromkeys(skill for one in profiles for skill in one.skills)
    listed = tuple(Skill(name) for name in names) if skills is None else tuple(skills)
    return ProfileSet("7f3a", "default", "q1", AT, listed, {one.expert: one for one in profiles})


def slate(
    profiles: ProfileSet,
    tags: Mapping[str, float],
    specs: Sequence[ExpertSpec] | None = None,
    *,
    costs: Mapping[str, int] | None = None,
    sure: frozenset[str] = frozenset(),
    k: int = 3,
    stop_at: float = 0.9,
    budget: int | None = None,
) -> Slate:
    """Return a slate of the profiles' experts, or of the specs when they are given."""
    experts = [spec(name) for name in profiles.experts] if specs is None else specs
    prices = costs or {}
    return slate_of(
        [Candidate(one, prices.get(one.name, 0), one.name in sure) for one in experts],  # type: ignore[arg-type]  # micros
        tuple(SkillTag(SkillName(name), weight) for name, weight in tags.items()),
        table_of(profiles),
        k=k,
        stop_at=stop_at,
        budget=budget,  # type: ignore[arg-type]  # micros
    )


def query(text: str = "What is 17 * 23?", **fields: object) -> Query:
    """Return a query of one user message."""
    return Query((Message(Role.USER, text),), **fields)  # type: ignore[arg-type]  # fields are given by name


def tags(**weights: float) -> Tags:
    """Return tags as a tagger would."""
    return Tags(tuple(SkillTag(SkillName(name), weight) for name, weight in weights.items()), "embedding")


@dataclass
class ListedGateway:
    """The port `Gateway` over a list: each completion takes the next reply, or raises it; `sick` experts say why."""

    replies: Sequence[str | ConclaveError] = ()
    sick: dict[str, str] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)

    async def complete(self, call: Call) -> Reply:
        """Return the next reply, paid as one call."""
        self.calls.append(call)
        call.purse.settle(call.purse.reserve(Spend(calls=1)), Spend(calls=1))
        reply = self.replies[len(self.calls) - 1]
        if isinstance(reply, ConclaveError):
            raise reply
        return Reply(reply, Finish.STOP, Usage(calls=1))

    async def stream(self, call: Call) -> AsyncGenerator[Piece, None]:
        """Yield the next reply as one piece."""
        reply = await self.complete(call)
        yield TextPiece(reply.text)
        yield FinishPiece(reply.finish, reply.usage)

    def ceiling(self, call: Call) -> Spend:
        """Return one call."""
        return Spend(calls=1)

    def healthy(self, expert: ExpertName) -> str | None:
        """Return why the expert should not be called."""
        return self.sick.get(expert)

    def served_by(self, call: Call) -> ExpertName:
        """Return who was asked."""
        return call.expert


def service(
    specs: Sequence[ExpertSpec],
    profiles: ProfileSet | ProfileProvider,
    embedder: Embedder,
    *,
    gateway: ListedGateway | None = None,
    screens: Mapping[str, Screen] | None = None,
    stand_in: str | None = None,
) -> RoutingService:
    """Return the routing service over a pool."""
    clock = ManualClock(AT)
    return RoutingService(
        catalogue=Catalogue({one.name: one for one in specs}),
        profiles=profiles if callable(profiles) else lambda _: profiles,
        embedder=embedder,
        gateway=gateway or ListedGateway(),
        clock=clock,
        ids=UlidSource(clock, random.Random(1)),
        rng=random.Random(2),
        config_version="c1",
        screens={ExpertName(name): screen for name, screen in (screens or {}).items()},
        stand_in=lambda _: stand_in,
    )


def pool(specs: Sequence[ExpertSpec], **fields: object) -> PoolSpec:
    """Return a pool of the specs, in their order."""
    names = tuple(one.name for one in specs)
    return PoolSpec(PoolName("default"), names, **fields)  # type: ignore[arg-type]  # fields are given by name


CALCULATOR = spec("calculator", kind=Kind.TOOL, abilities=frozenset({"arithmetic"}))
CODER = spec("coder", family="qwen", context=4096, max_output=400)
GENERALIST = spec("generalist", family="qwen", context=4096, max_output=300)
QUICK = spec("quick", family="qwen-small", context=4096, max_output=100)
FIRST = spec("first-opinion", family="smollm", context=2048, max_output=100)
EXPERTS = (CALCULATOR, CODER, GENERALIST, QUICK, FIRST)

PROFILES = profile_set(
    profile("calculator", arithmetic=(41, 0, 1), history=(0, 1, 39), translation=(0, 0, 40), python=(0, 0, 40)),
    profile("coder", arithmetic=(25, 17), history=(14, 26), translation=(18, 22), python=(31, 9)),
    profile("generalist", arithmetic=(21, 21), history=(23, 17), translation=(22, 18), python=(24, 16)),
    profile("quick", arithmetic=(15, 27), history=(16, 24), translation=(20, 20), python=(18, 22)),
    profile("first-opinion", arithmetic=(6, 36), history=(9, 31), translation=(4, 36), python=(2, 38)),
    skills=SKILLS,
)

THREE = PanelSize(3, 0.9)
PRICED = Price(input_per_million=1_000_000, output_per_million=2_000_000)
