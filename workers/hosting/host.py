"""A host: takes turns for the models it may serve, keeps them in memory while they are wanted, and says how it is."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace

import structlog

from core.clock import Clock
from core.errors import ConclaveError
from core.experts import ModelSpec
from core.hosting import Backlog, Grant, HostState, Order, OrderKind, Residence, Terms
from core.ids import HostId, ModelName
from core.ports import HostDirectory, Mailbox
from core.scheduling import POLICIES, TURN_IN_SWITCHES, Candidate, choose
from wiring.chores import again_and_again
from workers.hosting.engine import Failed
from workers.hosting.memory import resident_bytes
from workers.hosting.pace import Pace
from workers.hosting.residency import Residency
from workers.hosting.tally import Tally
from workers.hosting.turn import Turn, TurnRules

_log = structlog.get_logger(__name__)
_BEAT_S = 1.0
_FORGOTTEN_S = 4.0
_TIDY_S = 1.0
_AHEAD_S = 0.5
# A doorbell may be lost with the broker: an idle host looks for itself.
_LOOK_S = 2.0
_RACE_S = 0.01
_UNKNOWN_LOAD_S = 2.0


@dataclass(frozen=True, slots=True)
class HostOptions:
    """How a host works. `turn` is in switch times; `grace_s` is what a draining host gives to what is in flight."""

    id: HostId
    queue: str
    memory_bytes: int
    lease_s: float = 3.0
    keep_alive_s: float = 600.0
    turn: float = TURN_IN_SWITCHES
    grace_s: float = 30.0
    policy: str = "turns"


class Host:
    """Serves models. Everything runs in the event loop that started it; engines work in processes of their own."""

    def __init__(
        self,
        options: HostOptions,
        *,
        models: Mapping[ModelName, ModelSpec],
        mailbox: Mailbox,
        directory: HostDirectory,
        residency: Residency,
        tally: Tally,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        """Prepare to serve `models`; nothing is loaded before somebody asks for it. `rng` spreads lost races."""
        self._options = options
        self._models = dict(models)
        self._mailbox = mailbox
        self._directory = directory
        self._residency = residency
        self._tally = tally
        self._clock = clock
        self._rng = rng
        self._pace = Pace(options.turn)
        self._policy = POLICIES[options.policy]
        self._others: tuple[HostState, ...] = ()
        self._turns = asyncio.Lock()
        self._serving: ModelName | None = None
        self._turn: Turn | None = None
        self._turn_began = 0.0
        self._last_claim: tuple[ModelName, float] | None = None
        self._draining = False
        self._taking: asyncio.Task[None] | None = None
        self._alive_at = clock.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self._obeying: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Begin to beat, to unload what nobody uses, and to look for work whose doorbell was lost."""
        chores = (
            (self._beat, _BEAT_S),
            (self._tidy, _TIDY_S),
            (self._look_ahead, _AHEAD_S),
            (self.take_turns, _LOOK_S),
        )
        self._tasks = [asyncio.create_task(again_and_again(work, every_s)) for work, every_s in chores]

    async def take_turns(self) -> None:
        """Serve the model whose turn it is, then the next, until nothing waits that this host may serve.

        A call while turns are taken waits for them and then looks once more, so no ring is in vain.
        """
        async with self._turns:
            self._taking = asyncio.current_task()
            while (taken := await self._take_grant()) is not None:
                await self._serve(*taken)
            # The rest that follows is not a switch.
            self._last_claim = None

    async def drain(self) -> None:
        """Claim no more, end or hand back what is in flight, leave the directory and free all memory."""
        await self._stand_down()
        for task in (*self._tasks, *self._obeying):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._obeying, return_exceptions=True)
        with suppress(ConclaveError):
            await self._directory.leave(self._options.id)
        await self._residency.close()

    async def state(self) -> HostState:
        """Return what the host says of itself now."""
        own = await asyncio.to_thread(resident_bytes, os.getpid())
        now = self._clock.monotonic()
        return HostState(
            id=self._options.id,
            queue=self._options.queue,
            memory_budget=self._options.memory_bytes,
            memory_used=own + self._residency.memory_bytes,
            resident=self._residency.resident,
            serving=self._serving,
            slots_busy=self._turn.busy if self._turn is not None else 0,
            progress_s=now - self._alive_at if self._serving is not None else 0.0,
            models=frozenset(name for name in self._models if self._may_serve(name)),
            draining=self._draining,
            turn_s=now - self._turn_began if self._serving is not None else 0.0,
            slots=self._models[self._serving].slots if self._serving is not None else 0,
            residences=tuple(map(self._with_rate, self._residency.residences())),
            rates=self._rates(),
            counts=self._tally.counts(),
        )

    async def _take_grant(self) -> tuple[Grant, float] | None:
        """Take the right to serve a model, with the age of its turn clock; nothing when nothing waits for this host."""
        while not self._draining:
            snapshot = await self._mailbox.snapshot()
            self._residency.wanted = frozenset(entry.model for entry in snapshot.backlog)
            model = choose(snapshot.backlog, self._candidates(snapshot.backlog), self._policy)
            if model is None:
                return None
            grant = await self._mailbox.grant(model, self._options.id, snapshot.version, self._options.lease_s)
            if grant is not None:
                since_s = next(entry.since_s for entry in snapshot.backlog if entry.model == model)
                return grant, since_s
            # Another host was quicker: what it left is to be seen anew.
            await asyncio.sleep(self._rng.uniform(0, _RACE_S))
        return None

    async def _serve(self, grant: Grant, waited_s: float) -> None:
        spec = self._models[grant.model]
        self._serving, self._turn_began = spec.name, self._clock.monotonic()
        self._is_alive()
        rules = TurnRules(self._options.lease_s, lambda work, took_s: self._terms(spec, work, took_s), self._is_alive)
        turn = self._turn = Turn(grant, spec, mailbox=self._mailbox, clock=self._clock, tally=self._tally, rules=rules)
        try:
            async with turn.held(), AsyncExitStack() as stack:
                loads = self._tally.loads
                try:
                    model = await stack.enter_async_context(self._residency.use(spec))
                except ConclaveError as error:
                    if self._may_serve(spec.name):
                        await turn.refuse(Failed(error.error_code, error.message, error.retryable))
                    return
                if self._tally.loads != loads:
                    self._pace.loaded(self._residency.load_s(spec.name) or 0.0)
                await turn.serve(model)
        finally:
            self._turn = self._serving = None
            self._account(turn, spec.name, waited_s)

    def _account(self, turn: Turn, model: ModelName, waited_s: float) -> None:
        """Take in what a turn showed of switches and rates, and tell of it."""
        if turn.first_claim is None or turn.last_claim is None:
            return
        waited_s += turn.first_claim - self._turn_began
        switch_s = None
        if self._last_claim is not None and self._last_claim[0] != model:
            switch_s = turn.first_claim - self._last_claim[1]
            self._pace.switched(switch_s)
        self._last_claim = (model, turn.last_claim)
        self._pace.served(model, turn.work, turn.served_s)
        self._tally.turns += 1
        self._tally.turn_seconds += turn.served_s
        _log.info(
            "host.turn_over",
            model=model,
            requests=turn.requests,
            work=turn.work,
            waited_s=round(waited_s, 3),
            switch_s=None if switch_s is None else round(switch_s, 3),
            served_s=round(turn.served_s, 3),
            quantum_s=round(self._pace.quantum_s, 3),
            tokens_per_s=round(self._pace.tokens_per_s(model), 1),
        )

    def _terms(self, spec: ModelSpec, work: int, seconds: float) -> Terms:
        quantum = self._pace.quantum_tokens(spec.name, work, seconds)
        return Terms(self._options.policy, quantum, frozenset(name for name in self._models if self._may_serve(name)))

    def _candidates(self, backlog: Iterable[Backlog]) -> dict[ModelName, Candidate]:
        idle = [other for other in self._others if other.serving is None and not other.draining]
        resident = self._residency.resident
        found: dict[ModelName, Candidate] = {}
        for entry in backlog:
            if entry.model in self._models and self._may_serve(entry.model):
                here = entry.model in resident
                load_s = self._residency.load_s(entry.model)
                found[entry.model] = Candidate(
                    0.0 if here else _UNKNOWN_LOAD_S if load_s is None else load_s,
                    self._pace.tokens_per_s(entry.model) or self._rate_elsewhere(entry.model),
                    not here and any(entry.model in other.resident for other in idle),
                )
        return found

    def _may_serve(self, model: ModelName) -> bool:
        """Whether to serve a model, or to say why not: when it failed here and another host may do better, neither."""
        return self._residency.blocked(model) is None or not any(
            model in other.models and not other.draining for other in self._others
        )

    def _rate_elsewhere(self, model: ModelName) -> float:
        return max((rate for other in self._others for name, rate in other.rates if name == model), default=0.0)

    def _rates(self) -> tuple[tuple[ModelName, float], ...]:
        rates = dict(self._pace.rates)
        if self._turn is not None and self._serving is not None:
            now = self._pace.rate_so_far(self._serving, self._turn.work, self._turn.served_s)
            rates[self._serving] = round(now, 1)
        return tuple(sorted(rates.items()))

    def _with_rate(self, residence: Residence) -> Residence:
        return replace(residence, tokens_per_s=round(self._pace.tokens_per_s(residence.model), 1))

    def _is_alive(self) -> None:
        self._alive_at = self._clock.monotonic()

    async def _beat(self) -> None:
        orders = await self._directory.beat(await self.state(), _FORGOTTEN_S)
        for order in orders:
            task = asyncio.create_task(self._obey(order))
            self._obeying.add(task)
            task.add_done_callback(self._obeying.discard)
        hosts = await self._directory.hosts()
        self._others = tuple(host for host in hosts if host.id != self._options.id)

    async def _obey(self, order: Order) -> None:
        """Do what an operator asked; what comes of it shows in the next beats."""
        _log.info("host.ordered", order=order.kind, model=order.model)
        spec = None if order.model is None else self._models.get(order.model)
        try:
            match order.kind:
                case OrderKind.DRAIN:
                    await self._stand_down()
                    await self._residency.close()
                case OrderKind.LOAD | OrderKind.PIN if self._draining:
                    _log.warning("host.order_late", order=order.kind, model=order.model)
                case OrderKind.LOAD if spec is not None:
                    await self._residency.load(spec)
                case OrderKind.UNLOAD if spec is not None:
                    await self._residency.unload(spec.name)
                case OrderKind.PIN if spec is not None:
                    await self._residency.pin(spec)
                case OrderKind.UNPIN if spec is not None:
                    self._residency.unpin(spec.name)
                case _:
                    _log.warning("host.order_unknown", order=order.kind, model=order.model)
        except ConclaveError as error:
            _log.warning("host.order_failed", order=order.kind, model=order.model, reason=error.message)

    async def _look_ahead(self) -> None:
        """Load the model that has the next turn while this one is served, where memory allows."""
        if self._serving is None or len(self._models) == 1:
            return
        backlog = [entry for entry in await self._mailbox.backlog() if entry.model != self._serving]
        self._residency.wanted = frozenset(entry.model for entry in backlog)
        model = choose(backlog, self._candidates(backlog), self._policy)
        if model is not None and model not in self._residency.resident and not self._draining:
            with suppress(ConclaveError):
                await self._residency.load_ahead(self._models[model])

    async def _tidy(self) -> None:
        # Behind a model that loads this waits, but nothing waits for this: the beat is a task of its own.
        await self._residency.unload_idle(self._options.keep_alive_s)

    async def _stand_down(self) -> None:
        """Take no more turns; what is in flight ends or is handed back."""
        self._draining = True
        if self._turn is not None:
            with suppress(ConclaveError):
                await self._turn.drain(self._options.grace_s)
        await self._until_idle()

    async def _until_idle(self) -> None:
        """Wait for the turn to end; what still loads after that is not wanted any more."""
        try:
            async with asyncio.timeout(_LOOK_S), self._turns:
                pass
        except TimeoutError:
            if self._taking is not None:
                self._taking.cancel()
                # Cancelled once and waited for: a second time would cut the ending of its engine short.
                await asyncio.wait([self._taking], timeout=_LOOK_S)
