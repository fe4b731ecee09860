"""Shadowing: a few answered queries are put to the constant routers too, to see whether the pool's router is worth it.

It happens after the answer was given, pays from an allowance of its own, and keeps no words. Whose answer is right is
the vote's own estimate after hearing everybody, not the truth.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from agents.admission import run_budget
from agents.allowance import Allowance
from agents.convening import Asked
from agents.listening import Listener
from agents.orchestrator.consulting import call_of
from agents.reading import short_answer
from core.answers import Answer
from core.budgets import Budget
from core.calls import Call
from core.choices import choices_of
from core.clock import Clock
from core.decision import Decision
from core.errors import BudgetExceeded, ConclaveError, origin_of
from core.ids import ExpertName, PoolName
from core.money import FREE, Micros
from core.pools import PoolSpec
from core.ports import Gateway, Recruiter, ShadowLog
from core.purse import Purse
from core.query import Query
from core.shadows import Sample
from core.skills import Tags
from core.thoughts import Part, Thought

_AT_ONCE: Final = 4
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Said:
    """A router's answer, and what it asked cost."""

    answer: str
    micros: Micros


@dataclass(frozen=True, slots=True)
class _Shadow:
    """One answered query: its decision, what the answer said, and the thoughts heard so far, one an expert."""

    asked: Asked
    pool: PoolSpec
    answer: Answer
    decision: Decision
    said: str
    allowance: Allowance
    thoughts: dict[ExpertName, Thought] = field(default_factory=dict)

    @property
    def query(self) -> Query:
        return self.asked.query

    @property
    def tags(self) -> Tags:
        return Tags(self.decision.skills, self.decision.tagger, self.decision.signals)

    def take(self, thoughts: Iterable[Thought]) -> None:
        """Keep the panel's thoughts; one that was never asked for want of money is none."""
        for thought in thoughts:
            known = self.thoughts.get(thought.expert)
            if thought.role is Part.PANEL and not _unpaid(thought) and (known is None or not known.counts):
                self.thoughts[thought.expert] = thought


class Shadowing:
    """Follows answers with shadows, at most four at once: those that find no place are skipped, never queued."""

    def __init__(
        self, gateway: Gateway, recruiter: Recruiter, log: ShadowLog, clock: Clock, rng: random.Random
    ) -> None:
        """Call through `gateway`, have answers weighed by `recruiter`, and leave samples in `log`."""
        self._gateway = gateway
        self._recruiter = recruiter
        self._log = log
        self._clock = clock
        self._rng = rng
        self._allowances: dict[PoolName, Allowance] = {}
        self._under_way: set[asyncio.Task[None]] = set()

    def follow_soon(self, asked: Asked, pool: PoolSpec, answer: Answer) -> None:
        """Perhaps begin a shadow of a run that succeeded, in the background; never waits, never raises."""
        said = _comparable_answer(asked.query, answer)
        if not pool.shadow.share or answer.decision is None or said is None:
            return
        allowance = self._allowances.setdefault(pool.name, Allowance(pool.shadow.spend))
        allowance.earn(answer.spend.micros)
        if self._rng.random() >= pool.shadow.share or len(self._under_way) >= _AT_ONCE:
            return
        shadow = _Shadow(asked, pool, answer, answer.decision, said, allowance)
        shadow.take(answer.thoughts)
        task = asyncio.create_task(self._follow(shadow))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settled(self) -> None:
        """Wait until every shadow under way is over."""
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def aclose(self) -> None:
        """End the shadows under way, without their samples."""
        for task in self._under_way:
            task.cancel()
        await self.settled()

    async def _follow(self, shadow: _Shadow) -> None:
        run_id = shadow.asked.run_id
        try:
            await self._log.add(await self._samples(shadow))
        except ConclaveError as error:
            _log.warning("shadow.failed", run_id=run_id, pool=shadow.pool.name, code=error.error_code)
        except Exception as defect:  # noqa: BLE001  # nobody waits for a shadow who could be told
            _log.error("shadow.defect", run_id=run_id, error=type(defect).__name__, where=origin_of(defect))

    async def _samples(self, shadow: _Shadow) -> Sequence[Sample]:
        constants = await self._recruiter.constants(shadow.query, shadow.pool, shadow.tags)
        others = {name: expert for name, expert in constants.items() if name != shadow.pool.router}
        if not others or not await self._hear(shadow, others.values()):
            return ()
        router = await self._router_said(shadow)
        if router is None:
            return ()
        weighed = [thought for thought in shadow.thoughts.values() if thought.counts and thought.comparable]
        settled = replace(shadow.decision, may_grow=False)
        considered = await self._recruiter.consider(shadow.query, shadow.pool, settled, weighed, shadow.tags)
        chances = {ballot.answer: ballot.chance for ballot in considered.ballots}
        return self._compared(shadow, others, router, chances)

    def _compared(
        self, shadow: _Shadow, constants: Mapping[str, ExpertName], router: _Said, chances: Mapping[str, float]
    ) -> Sequence[Sample]:
        """Return a sample of each constant whose answer can be compared with that of the router."""
        right = chances.get(router.answer)
        if right is None:
            return ()
        thoughts = {name: shadow.thoughts.get(expert) for name, expert in constants.items()}
        found = {name: (_chance(shadow.query, thought, chances), thought) for name, thought in thoughts.items()}
        return [
            Sample(
                pool=shadow.pool.name,
                run_id=shadow.asked.run_id,
                constant=name,
                router=shadow.pool.router,
                profile_version=shadow.decision.profile_version,
                gain=chance - right,
                constant_micros=thought.cost,
                router_micros=router.micros,
                at=self._clock.now(),
            )
            for name, (chance, thought) in found.items()
            if chance is not None and thought is not None
        ]

    async def _router_said(self, shadow: _Shadow) -> _Said | None:
        """Return what the configured router answered; where a constant stood in for it, what it would have answered."""
        if shadow.decision.router == shadow.pool.router:
            return _Said(shadow.said, shadow.answer.spend.micros)
        pool = _with_its_own_router(shadow.pool)
        decision = await self._recruiter.decide(shadow.query, pool, shadow.tags)
        seats, asked, leading = decision.panel, dict.fromkeys(seat.expert for seat in decision.panel), None
        while seats:
            if not await self._hear(shadow, asked):
                return None
            thoughts = [shadow.thoughts[expert] for expert in asked if expert in shadow.thoughts]
            considered = await self._recruiter.consider(shadow.query, pool, decision, thoughts, shadow.tags)
            leading = considered.ballots[0].answer if considered.ballots else None
            seats = tuple(seat for seat in considered.seats if seat.expert not in asked)
            asked |= dict.fromkeys(seat.expert for seat in seats)
        if leading is None:
            return None
        return _Said(
            leading, Micros(sum(shadow.thoughts[expert].cost for expert in asked if expert in shadow.thoughts))
        )

    async def _hear(self, shadow: _Shadow, experts: Iterable[ExpertName]) -> bool:
        """Ask those of `experts` who were not heard yet; return whether the allowance covered all of them."""
        missing = [expert for expert in dict.fromkeys(experts) if expert not in shadow.thoughts]
        calls = [self._call(shadow, expert) for expert in missing]
        ceilings = [self._ceiling(call) for call in calls]
        whole = Micros(sum(ceilings))
        if not shadow.allowance.hold(whole):
            return False
        purses = [
            Purse(replace(call.purse.budget, micros=most), self._clock)
            for call, most in zip(calls, ceilings, strict=True)
        ]
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._think(shadow.query, replace(call, purse=purse)))
                    for call, purse in zip(calls, purses, strict=True)
                ]
        finally:
            shadow.allowance.settle(whole, Micros(sum(purse.spent.micros for purse in purses)))
        shadow.take(task.result() for task in tasks)
        return True

    async def _think(self, query: Query, call: Call) -> Thought:
        listener = Listener(call.expert, self._clock)
        try:
            async with aclosing(self._gateway.stream(call)) as pieces:
                async for piece in pieces:
                    listener.hear(piece)
        except ConclaveError as error:
            return listener.failed(query, error)
        return listener.thought(query)

    def _call(self, shadow: _Shadow, expert: ExpertName) -> Call:
        """Return the call: as one of a batch, so that whoever waits goes first, with the time the run itself had."""
        query = replace(shadow.query, batch=True)
        budget = Budget(seconds=run_budget(shadow.query, shadow.pool.budget).seconds)
        call = call_of(query, shadow.asked.run_id, expert, Purse(budget, self._clock))
        return replace(call, pool=f"shadow/{shadow.pool.name}")

    def _ceiling(self, call: Call) -> Micros:
        try:
            return self._gateway.ceiling(call).micros
        except ConclaveError:
            # The call itself will fail in the same way, before it costs anything.
            return FREE


def _comparable_answer(query: Query, answer: Answer) -> str | None:
    return None if query.tools else short_answer(answer.text, query.text, query.response_format)


def _chance(query: Query, thought: Thought | None, chances: Mapping[str, float]) -> float | None:
    """Return how likely a constant's answer is right; nothing when that cannot be told."""
    if thought is None:
        return None
    if not thought.counts:
        return 0.0
    if thought.comparable:
        return chances.get(thought.answer)
    # Where a short answer was asked for, words of one's own are none; elsewhere they may well hold the right one.
    owed = query.response_format.kind != "text" or bool(choices_of(query.text).options)
    return 0.0 if owed else None


def _unpaid(thought: Thought) -> bool:
    return thought.error is not None and thought.error.startswith(BudgetExceeded.code)


def _with_its_own_router(pool: PoolSpec) -> PoolSpec:
    """Return the pool as if it never fell back, without the rules that would take note of a query nobody asked."""
    rules = replace(pool.rules, balance=False, affinity=None, adapt=False)
    return replace(pool, rules=rules, shadow=replace(pool.shadow, fall_back=False))
