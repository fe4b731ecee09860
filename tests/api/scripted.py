"""A convener that follows a script, with the parts around it: what the API is tested against."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence

from agents.convening import Asked
from core.answers import Answer
from core.budgets import Spend
from core.clock import Clock
from core.decision import Considered, Decision, Seat
from core.errors import HostLost, RateLimited, UpstreamError
from core.events import Event, EventKind
from core.ids import DecisionId, ExpertName, SkillName
from core.messages import Finish, FinishPiece, Piece, Reply, TextPiece, ToolCallPiece
from core.money import FREE, Micros
from core.pools import PoolSpec
from core.query import Query
from core.rendering import decision_json
from core.skills import SkillTag, Tags
from core.thoughts import Thought
from core.usage import Usage

USAGE = Usage(12, 3, 0, 1)


class ScriptedConvener:
    """Behaves by the name of the expert, or by the newest user message put to a pool."""

    def __init__(self, recruiter: ScriptedRecruiter, clock: Clock) -> None:
        self.left = threading.Event()
        self.waiting = threading.Event()
        self.asked: list[Asked] = []
        self.recruiter = recruiter
        self._clock = clock
        self._in_flight: Counter[str] = Counter()

    async def convene(self, asked: Asked, pool: PoolSpec) -> AsyncGenerator[Event | Answer, None]:
        self.asked.append(asked)
        decision = await self.recruiter.decide(asked.query, pool)
        if asked.query.text == "early":
            raise UpstreamError("the provider failed before a word")
        yield self._event(asked, EventKind.PANEL_RECRUITED, decision=decision_json(decision))
        if asked.query.text == "midway":
            yield self._event(asked, EventKind.ANSWER_DELTA, text="half ")
            raise HostLost("the host died")
        if asked.query.text == "defect":
            raise ZeroDivisionError("secret detail")
        for word in ("forty", "-two"):
            yield self._event(asked, EventKind.ANSWER_DELTA, text=word)
        thought = Thought(decision.panel[0].expert, "forty-two", "42", 0.9, USAGE, Micros(7))
        spend = Spend(Micros(7), 15, 1)
        yield Answer(asked.run_id, "forty-two", (thought,), USAGE, spend, "confident", decision)

    async def pass_through(self, asked: Asked, expert: ExpertName) -> AsyncGenerator[Piece, None]:
        self.asked.append(asked)
        if expert == "broken":
            raise UpstreamError("the provider failed before a word")
        if expert == "patient":
            await self._wait_until_the_caller_leaves(asked)
        for word in asked.query.text.split(" "):
            yield TextPiece(word)
        if expert == "breaking":
            raise HostLost("the host died")
        if asked.query.tools:
            yield ToolCallPiece(0, "call_1", asked.query.tools[0].name, '{"x":')
            yield ToolCallPiece(0, arguments="1}")
        yield FinishPiece(Finish.STOP, USAGE, cost=Micros(18 if expert == "priced" else 0))

    async def pass_through_whole(self, asked: Asked, expert: ExpertName) -> Reply:
        pieces = [piece async for piece in self.pass_through(asked, expert)]
        return Reply(
            "".join(p.text for p in pieces if isinstance(p, TextPiece)),
            Finish.STOP,
            USAGE,
            cost=Micros(18 if expert == "priced" else 0),
        )

    async def _wait_until_the_caller_leaves(self, asked: Asked) -> None:
        key = asked.key
        assert key is not None
        if key.concurrency is not None and self._in_flight[key.id] >= key.concurrency:
            raise RateLimited("too many requests at once for this key; wait", retry_after_s=0.05)
        self._in_flight[key.id] += 1
        self.waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            self._in_flight[key.id] -= 1
            self.left.set()

    def _event(self, asked: Asked, kind: EventKind, **data: object) -> Event:
        return Event(asked.run_id, 0, kind, self._clock.now(), data)  # type: ignore[arg-type]  # all of it is JSON


class ScriptedRecruiter:
    """Always chooses the pool's first expert; `judgements` are what it was told of conversations."""

    def __init__(self) -> None:
        self.judgements: list[tuple[str, str, dict[ExpertName, float]]] = []

    async def understand(self, query: Query, pool: PoolSpec, payer: object = None) -> Tags:
        return Tags((SkillTag(SkillName("numbers"), 0.75),), "scripted")

    def judged(self, pool: PoolSpec, session: str, rights: Mapping[ExpertName, float]) -> None:
        self.judgements.append((pool.name, session.partition("/")[2], dict(rights)))

    def heard(self, query: Query, pool: PoolSpec, thoughts: Sequence[Thought], text: str) -> None:
        del query, pool, thoughts, text

    async def consider(
        self,
        query: Query,
        pool: PoolSpec,
        decision: Decision,
        thoughts: Sequence[Thought],
        tags: Tags | None = None,
    ) -> Considered:
        return Considered()

    async def constants(self, query: Query, pool: PoolSpec, tags: Tags) -> Mapping[str, ExpertName]:
        return {}

    async def decide(self, query: Query, pool: PoolSpec, tags: Tags | None = None) -> Decision:
        seats = tuple(Seat(name, 0.9, 0.8, FREE, "as scripted") for name in pool.experts)
        skills = (tags or await self.understand(query, pool)).skills
        return Decision(DecisionId("D1"), "scripted", skills, seats[:1], seats[1:], (), None, pool.strategy, "p1", "c1")


class ScriptedEmbedder:
    """Two dimensions: how long a text is, and one."""

    @property
    def name(self) -> str:
        return "scripted-2"

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        return [[float(len(text)), 1.0] for text in texts]
