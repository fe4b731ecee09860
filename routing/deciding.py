"""The routing service: understand a query, sift the pool, recruit a panel, and record why."""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import structlog

from core.calls import Payer
from core.choices import asks_for_little
from core.clock import Clock
from core.decision import Considered, Decision, Exclusion
from core.errors import ConfigurationError, Unprocessable
from core.experts import Catalogue
from core.ids import DecisionId, ExpertName, IdSource, PoolName
from core.money import Micros
from core.pools import PoolSpec
from core.ports import Embedder, Gateway, Tagger
from core.profiles import ProfileSet
from core.query import Query
from core.shadows import CONSTANTS
from core.skills import Tags
from core.thoughts import Thought
from routing.chairing import aggregator_of
from routing.constraints import Cause, Reason, Screen, Sifted, nobody, sift
from routing.listening import ballots_of, heard_of, manner_of
from routing.profiles.table import Live, ProfileTable, recount, table_of
from routing.readings import Readings, asking_of, read, readings_of
from routing.recruiters.conclave import Conclave
from routing.recruiters.contract import Method, Recruiter, Timing
from routing.recruiters.registry import recruiter_for
from routing.ruling import Ruling
from routing.schooling import Schooling
from routing.slate import Choice, Slate, slate_of
from routing.taggers import EmbeddingTagger, KeywordTagger

ProfileProvider = Callable[[PoolName], ProfileSet]
"""Returns the profiles a pool is routed by now; `routing.profiles.unmeasured` when there are none. Never waits."""

SchoolingProvider = Callable[[PoolName], Schooling | None]
"""Returns what the lessons of a pool taught, or nothing. Never waits."""

StandInProvider = Callable[[PoolName], str | None]
"""Returns the constant that a pool is routed by while its router loses to it, or nothing. Never waits."""

_TABLES: Final = 16
_SEEDS: Final = 2**32
_NEVER: Final = 2.0

_log = structlog.get_logger(__name__)


def untaught_pool(pool: PoolName) -> Schooling | None:  # noqa: ARG001 (a provider)
    """Return nothing: recruiters know the counts of the profile alone."""
    return None


def unreplaced(pool: PoolName) -> str | None:  # noqa: ARG001 (a provider)
    """Return nothing: every pool is routed by its own router."""
    return None


class RoutingService:
    """The port `Recruiter`. `screens` tell of an expert whether it can answer a text at all."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        profiles: ProfileProvider,
        embedder: Embedder,
        gateway: Gateway,
        clock: Clock,
        ids: IdSource,
        rng: random.Random,
        config_version: str,
        screens: Mapping[ExpertName, Screen] | None = None,
        schooling: SchoolingProvider = untaught_pool,
        stand_in: StandInProvider = unreplaced,
    ) -> None:
        self._catalogue = catalogue
        self._profiles = profiles
        self._embedder = embedder
        self._gateway = gateway
        self._clock = clock
        self._ids = ids
        self._rng = rng
        self._config_version = config_version
        self._screens = screens or {}
        self._schooling = schooling
        self._stand_in = stand_in
        self._ruling = Ruling()
        self._recruiters: dict[tuple[PoolName, str], tuple[str, Schooling | None, Recruiter]] = {}
        self._embedding = EmbeddingTagger(embedder)
        self._tables: OrderedDict[tuple[str, str], tuple[ProfileTable, Live]] = OrderedDict()

    async def warm(self, pool: PoolSpec) -> None:
        """Load the model and the pool's skills, so that the first query need not wait for them."""
        profiles = self._profiles(pool.name)
        self._table(profiles)
        await self._embedding.index(profiles)

    async def understand(self, query: Query, pool: PoolSpec, payer: Payer | None = None) -> Tags:
        """Return the skills the query needs, by the pool's tagger."""
        return await self._tagger(query, pool).tag(query, self._profiles(pool.name), payer)

    async def decide(self, query: Query, pool: PoolSpec, tags: Tags | None = None) -> Decision:
        """Return the decision; calls no expert.

        Raises the error that says why when no expert may take the query: `Overloaded`, `BudgetExceeded`,
        `ContextTooLong` or `InvalidRequest`; `NotFound` for an unknown router, `Unprocessable` for an impossible `k`.
        """
        started = self._clock.monotonic()
        method = recruiter_for(self._router(pool))
        profiles = self._profiles(pool.name)
        tags = tags or await self.understand(query, pool)
        sifted = sift(query, pool, self._catalogue, profiles, healthy=self._gateway.healthy, screens=self._screens)
        if not sifted.candidates:
            raise nobody(pool, sifted.reasons)
        seed = self._rng.randrange(_SEEDS) if query.seed is None else query.seed
        recruiter = self._recruiter(method, pool, profiles)
        slate = await self._slate(query, pool, tags, profiles, sifted)
        choice = recruiter.recruit(slate, random.Random(seed))
        if not choice.panel:
            raise nobody(pool, _unpaid(choice))
        choice = capped(choice, query, pool)
        choice = self._ruling.settled(choice, slate, query, pool)
        grows = method.traits.timing is Timing.AFTER and choice.expected_quality < slate.stop_at <= 1 < slate.k
        grows = grows and can_be_compared(query)
        decision = self._decision(query, pool, tags, profiles, sifted, choice, seed, may_grow=grows)
        if method.traits.name != pool.router:
            decision = _fallen_back(decision, pool, method.traits.name)
        _log.debug(
            "decision.made",
            decision=decision.id,
            pool=pool.name,
            router=decision.router,
            panel=[seat.expert for seat in decision.panel],
            elapsed_ms=round((self._clock.monotonic() - started) * 1000, 3),
        )
        return decision

    async def consider(
        self, query: Query, pool: PoolSpec, decision: Decision, thoughts: Sequence[Thought], tags: Tags | None = None
    ) -> Considered:
        """Return what is made of the thoughts so far, and who is to be asked next; calls no expert."""
        profiles = self._profiles(pool.name)
        asked = {thought.expert for thought in thoughts}
        spoke = {thought.expert for thought in thoughts if thought.counts}

        def healthy(name: ExpertName) -> str | None:
            # Whoever was heard stays: what it said counts, even when it should not be called again. Whoever was asked
            # and said nothing is not asked twice.
            if name in asked:
                return None if name in spoke else "was asked, and did not answer"
            return self._gateway.healthy(name)

        sifted = sift(
            query,
            pool,
            self._catalogue,
            profiles,
            healthy=healthy,
            screens=self._screens,
        )
        slate = await self._slate(query, pool, tags or Tags(decision.skills, decision.tagger), profiles, sifted)
        asking, schooling = asking_of(query), self._schooling(pool.name)
        heard = heard_of(slate, asking, thoughts, manner_of(slate, schooling))
        if not heard:
            return Considered()
        jury = Conclave(schooling)
        ballots = ballots_of(asking, thoughts, jury.thought(slate, heard), jury.school(slate, heard))
        if not decision.may_grow:
            return Considered(ballots)
        recruiter = self._recruiter(recruiter_for(decision.router), pool, profiles)
        seed = random.Random(f"{decision.seed}/{len(heard)}")
        following = recruiter.more(slate, heard, seed)
        if following is not None:
            following = self._ruling.further(following, slate, pool, [thought.expert for thought in thoughts])
        return Considered(ballots, following.panel if following else ())

    async def constants(self, query: Query, pool: PoolSpec, tags: Tags) -> Mapping[str, ExpertName]:
        """Return whom each constant router would ask, alone, of those who may be asked; calls no expert."""
        profiles = self._profiles(pool.name)
        sifted = sift(query, pool, self._catalogue, profiles, healthy=self._gateway.healthy, screens=self._screens)
        if not sifted.candidates:
            return {}
        slate = await self._slate(query, pool, tags, profiles, sifted)
        choices = {
            name: self._recruiter(recruiter_for(name), pool, profiles).recruit(slate, self._rng) for name in CONSTANTS
        }
        return {name: choice.panel[0].expert for name, choice in choices.items() if choice.panel}

    def heard(self, query: Query, pool: PoolSpec, thoughts: Sequence[Thought], text: str) -> None:
        """Take note of what the conversation's experts said, and of the answer it came to, for its next question."""
        self._ruling.heard(thoughts, text, query, pool)

    def judged(self, pool: PoolSpec, session: str, rights: Mapping[ExpertName, float]) -> None:
        """Take note of how right experts were, in 0..1, for the next question of the conversation."""
        self._ruling.judged(pool, session, rights)

    def _router(self, pool: PoolSpec) -> str:
        """Return the router that decides: the pool's own, or what stands in for it where the pool lets it."""
        return (self._stand_in(pool.name) if pool.shadow.fall_back else None) or pool.router

    def _recruiter(self, method: Method, pool: PoolSpec, profiles: ProfileSet) -> Recruiter:
        """Return the pool's recruiter, made anew when what it learned from has changed."""
        key = (pool.name, method.traits.name)
        schooling = self._schooling(pool.name)
        made = self._recruiters.get(key)
        if made is None or made[0] != profiles.version or made[1] is not schooling:
            made = self._recruiters[key] = (profiles.version, schooling, method.make(schooling))
        return made[2]

    def _tagger(self, query: Query, pool: PoolSpec) -> Tagger:
        if pool.tagger != "keywords":
            return self._embedding
        if pool.keyword_expert is None:
            raise ConfigurationError(f'pools.{pool.name}: the tagger "keywords" needs a keyword_expert')
        spec = self._catalogue.experts.get(pool.keyword_expert)
        if spec is not None and query.constraints.forbid(spec) is not None:
            return self._embedding
        return KeywordTagger(self._gateway, pool.keyword_expert, self._embedder, self._embedding)

    def _table(self, profiles: ProfileSet) -> ProfileTable:
        key = (profiles.pool, profiles.version)
        table, counted = self._tables.get(key, (None, {}))
        if table is None or not profiles.live.keys() <= table.experts.keys():
            table = table_of(profiles)
        elif profiles.live is not counted:
            recount(table, counted, profiles.live)
        self._tables[key] = (table, profiles.live)
        self._tables.move_to_end(key)
        while len(self._tables) > _TABLES:
            self._tables.popitem(last=False)
        return table

    async def _slate(self, query: Query, pool: PoolSpec, tags: Tags, profiles: ProfileSet, sifted: Sifted) -> Slate:
        budget = query.budget.within(pool.budget)
        k, stop_at = panel_size(query, pool)
        return slate_of(
            sifted.candidates,
            tags.skills,
            self._table(profiles),
            k=k,
            stop_at=stop_at,
            budget=budget.micros,
            thrift=pool.k.thrift,
            readings=await self._read(query, pool),
        )

    async def _read(self, query: Query, pool: PoolSpec) -> Readings:
        """Return the query as numbers; its meaning only where there are lessons to compare it with."""
        asking = asking_of(query)
        if self._schooling(pool.name) is None:
            return readings_of([asking], [np.zeros(0, np.float32)], [0.0])
        return await read([asking], self._embedder)

    def _decision(
        self,
        query: Query,
        pool: PoolSpec,
        tags: Tags,
        profiles: ProfileSet,
        sifted: Sifted,
        choice: Choice,
        seed: int,
        *,
        may_grow: bool,
    ) -> Decision:
        chair = None
        if len(choice.panel) > 1 or may_grow:
            chair = aggregator_of(pool, sifted.candidates, profiles, self._table(profiles), tags.skills)
        return Decision(
            id=DecisionId(self._ids.new()),
            router=pool.router,
            skills=tags.skills,
            panel=choice.panel,
            passed=choice.passed,
            excluded=sifted.exclusions,
            aggregator=chair,
            strategy=query.strategy or pool.strategy,
            profile_version=profiles.version,
            config_version=self._config_version,
            expected_quality=choice.expected_quality,
            expected_cost=Micros(sum(seat.expected_cost for seat in choice.panel)),
            tagger=tags.source,
            seed=seed,
            signals=tags.signals,
            may_grow=may_grow,
        )


def _fallen_back(decision: Decision, pool: PoolSpec, router: str) -> Decision:
    """Return the decision as that of the router which stood in, each seat saying for whom."""
    panel = tuple(replace(seat, why=f"fallen back from {pool.router}: {seat.why}") for seat in decision.panel)
    return replace(decision, router=router, panel=panel)


def can_be_compared(query: Query) -> bool:
    """Whether replies to a query are likely to hold a short answer each, so that several voices can be weighed.

    A reply in words of its own is one expert's: it is shown as it comes, and no second one is waited for.
    """
    return query.response_format.kind != "text" or asks_for_little(query.text)


def capped(choice: Choice, query: Query, pool: PoolSpec) -> Choice:
    """Return the choice with no more seats than there may be calls, whatever the router makes of `k`."""
    calls = query.budget.within(pool.budget).calls
    most = 1 if query.tools else calls
    if most is None or len(choice.panel) <= max(1, most):
        return choice
    kept = choice.panel[: max(1, most)]
    names = {seat.expert for seat in kept}
    cut = tuple(replace(seat, why=f"no call is left: {seat.why}") for seat in choice.panel[len(kept) :])
    return replace(choice, panel=kept, passed=(*(seat for seat in cut if seat.expert not in names), *choice.passed))


def _unpaid(choice: Choice) -> tuple[Reason, ...]:
    return tuple(Reason(Cause.PRICE, Exclusion(seat.expert, seat.why)) for seat in choice.passed)


def panel_size(query: Query, pool: PoolSpec) -> tuple[int, float]:
    """Return the most seats, and the expected quality at which fewer are enough.

    A `k` in the request asks for that many and is not cut short. Tool calls are one expert's to make, and no panel has
    more seats than the budget has calls.
    """
    if query.k is not None and query.k < 1:
        raise Unprocessable("k must be at least 1", param="conclave.k")
    k, stop_at = (pool.k.max, pool.k.stop_at) if query.k is None else (query.k, _NEVER)
    calls = query.budget.within(pool.budget).calls
    if query.tools:
        k = 1
    return max(1, k if calls is None else min(k, calls)), stop_at
