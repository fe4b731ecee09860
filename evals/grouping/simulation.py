"""The simulator: a scheduling policy decides, hosts load and decode, and a heap of events is the only clock."""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.fairness import FairQueue
from core.ids import ModelName
from core.scheduling import Policy, SwitchTime, Turn, Waiting
from evals.grouping.machine import Ask, Machine

_ARRIVAL, _LOADED, _DONE = range(3)


@dataclass(slots=True)
class Outcome:
    """What came of it. `claimed` and `finished` are when each request was, by its number; the rest counts turns.

    `turn_waits` are the seconds from the turn clock of a model to the first claim of its turn.
    """

    claimed: list[float]
    finished: list[float]
    loads: int = 0
    turns: int = 0
    decisions: int = 0
    turn_waits: list[float] = field(default_factory=list)

    @property
    def makespan(self) -> float:
        """Return when the last request was finished."""
        return max(self.finished, default=0.0)


@dataclass(slots=True)
class _Model:
    name: ModelName
    queue: FairQueue[int]
    since: float = 0.0
    waiting_s: float = 0.0
    serving: int = 0
    listed: bool = False
    roomy: OrderedDict[int, None] = field(default_factory=OrderedDict)
    resident_on: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Host:
    number: int
    switch: SwitchTime
    resident: OrderedDict[ModelName, None] = field(default_factory=OrderedDict)
    model: _Model | None = None
    loading: bool = False
    since: float = 0.0
    claimed_s: float = 0.0
    quantum_s: float = 0.0
    last_claim: tuple[ModelName, float] | None = None
    progress: float = 0.0
    looked: float = 0.0
    flights: list[tuple[float, int]] = field(default_factory=list)
    epoch: int = 0


class Simulation:
    """One policy over one list of requests. A decision costs O(log n) in the models that wait."""

    def __init__(
        self, policy: Policy, machine: Machine, asks: Sequence[Ask], *, fixed_quantum_s: float | None = None
    ) -> None:
        """Serve `asks`, sorted by arrival; without a fixed quantum it follows the measured switch times."""
        self._policy = policy
        self._machine = machine
        self._asks = asks
        self._fixed = fixed_quantum_s
        self._models: dict[str, _Model] = {}
        self._hosts = [_Host(number, SwitchTime(machine.load_s)) for number in range(machine.hosts)]
        self._idle: OrderedDict[int, None] = OrderedDict((host.number, None) for host in self._hosts)
        self._waiting: list[tuple[float, str]] = []
        self._crowded: list[tuple[float, str]] = []
        self._events: list[tuple[float, int, int, int, int]] = []
        self._count = 0
        self._now = 0.0
        self._outcome = Outcome([0.0] * len(asks), [0.0] * len(asks))

    def run(self) -> Outcome:
        """Return what came of it, once every request is finished."""
        for number, ask in enumerate(self._asks):
            while self._events and self._events[0][0] <= ask.arrived:
                self._step()
            self._now = ask.arrived
            self._arrive(number, ask)
        while self._events:
            self._step()
        return self._outcome

    def _step(self) -> None:
        self._now, _, kind, number, epoch = heapq.heappop(self._events)
        host = self._hosts[number]
        if epoch != host.epoch:
            return
        if kind == _LOADED:
            host.loading = False
        else:
            self._progress(host)
            _, done = heapq.heappop(host.flights)
            self._outcome.finished[done] = self._now
        self._serve(host)

    def _arrive(self, number: int, ask: Ask) -> None:
        model = self._models.get(ask.model)
        if model is None:
            model = self._models[ask.model] = _Model(ModelName(ask.model), FairQueue())
        if not model.queue:
            model.since = max(model.since, self._now)
        fair = self._policy.fair
        model.queue.push(ask.caller if fair else "", ask.worst_s, number, batch=fair and ask.batch)
        model.waiting_s += ask.worst_s
        # A host whose quantum is used up will not take it; of those that may, the first does.
        for index in list(model.roomy):
            self._serve(self._hosts[index])
            if not model.queue:
                return
        if model.queue:
            self._offer(model)

    def _offer(self, model: _Model) -> None:
        """Make it known that a model waits, and wake a host that is idle: one that holds the model if there is one."""
        if model.serving == 0:
            self._list(model)
        elif self._worth_another(model):
            heapq.heappush(self._crowded, (model.since, model.name))
        else:
            return
        if self._idle:
            holding = next((number for number in model.resident_on if number in self._idle), None)
            number = next(iter(self._idle)) if holding is None else holding
            self._take(self._hosts[number])

    def _list(self, model: _Model) -> None:
        if not model.listed:
            model.listed = True
            heapq.heappush(self._waiting, (self._rank(model), model.name))

    def _rank(self, model: _Model) -> float:
        return self._policy.rank(self._as_waiting(model))

    def _as_waiting(self, model: _Model) -> Waiting:
        return Waiting(model.name, model.since, self._asks[model.queue.next()[1]].arrived)

    def _worth_another(self, model: _Model) -> bool:
        """Whether what waits would take the hosts that serve it longer than a load."""
        fastest = self._machine.speeds[-1]
        return model.waiting_s / fastest / model.serving > self._machine.load_s

    def _first(self, heap: list[tuple[float, str]], *, crowded: bool = False) -> _Model | None:
        """Return the model at the head of a heap, dropping those that wait no more."""
        while heap:
            model = self._models[heap[0][1]]
            if crowded:
                if model.queue and model.serving and self._worth_another(model):
                    return model
            elif model.listed and model.queue and model.serving == 0:
                return model
            heapq.heappop(heap)
            if not crowded:
                model.listed = False
        return None

    def _take(self, host: _Host) -> None:
        """Take the next turn, or rest."""
        self._outcome.decisions += 1
        model = self._first(self._waiting)
        if model is not None:
            heapq.heappop(self._waiting)
            model.listed = False
        else:
            model = self._first(self._crowded, crowded=True)
        if model is None:
            self._idle[host.number] = None
            # The rest that follows is not a switch.
            host.last_claim = None
            return
        self._idle.pop(host.number, None)
        model.serving += 1
        host.model, host.since, host.claimed_s = model, model.since, 0.0
        host.quantum_s = host.switch.quantum_s() if self._fixed is None else self._fixed
        self._outcome.turns += 1
        self._load(host, model)

    def _load(self, host: _Host, model: _Model) -> None:
        if model.name in host.resident:
            host.resident.move_to_end(model.name)
            self._serve(host)
            return
        while len(host.resident) >= self._machine.resident:
            gone, _ = host.resident.popitem(last=False)
            self._models[gone].resident_on.discard(host.number)
        host.resident[model.name] = None
        model.resident_on.add(host.number)
        self._outcome.loads += 1
        host.loading = True
        self._at(self._now + self._machine.load_s, _LOADED, host)

    def _serve(self, host: _Host) -> None:
        """Claim into free slots as long as the turn goes on; end it when nothing is in flight."""
        model = host.model
        if model is None:
            return
        self._progress(host)
        while model.queue and len(host.flights) < self._machine.slots:
            worst_s, number = model.queue.next()
            if not self._goes_on(host, worst_s, number):
                break
            self._claim(host, model)
        if host.flights and len(host.flights) < self._machine.slots:
            model.roomy[host.number] = None
        else:
            model.roomy.pop(host.number, None)
        if host.flights:
            flying = len(host.flights)
            left = host.flights[0][0] - host.progress
            self._at(self._now + max(0.0, left) * flying / self._machine.speeds[flying - 1], _DONE, host)
        else:
            self._end(host, model)

    def _goes_on(self, host: _Host, worst_s: float, number: int) -> bool:
        rival = self._first(self._waiting)
        return self._policy.goes_on(
            Turn(host.claimed_s, host.quantum_s),
            worst_s,
            self._asks[number].arrived,
            None if rival is None else self._as_waiting(rival),
        )

    def _claim(self, host: _Host, model: _Model) -> None:
        worst_s, number = model.queue.pop()
        if host.claimed_s == 0.0:
            self._outcome.turn_waits.append(self._now - host.since)
            if host.last_claim is not None and host.last_claim[0] != model.name:
                host.switch.measured(self._now - host.last_claim[1])
        host.claimed_s += worst_s
        host.last_claim = (model.name, self._now)
        model.waiting_s = max(0.0, model.waiting_s - worst_s) if model.queue else 0.0
        heapq.heappush(host.flights, (host.progress + self._asks[number].work_s, number))
        self._outcome.claimed[number] = self._now

    def _end(self, host: _Host, model: _Model) -> None:
        model.serving -= 1
        model.since = self._now
        host.model = None
        host.epoch += 1
        if model.queue and model.serving == 0:
            self._list(model)
        self._take(host)

    def _progress(self, host: _Host) -> None:
        """Move a host's virtual work on to now: every request in flight has got an equal share."""
        flying = len(host.flights)
        if flying:
            host.progress += (self._now - host.looked) * self._machine.speeds[flying - 1] / flying
        host.looked = self._now

    def _at(self, when: float, kind: int, host: _Host) -> None:
        host.epoch += 1
        self._count += 1
        heapq.heappush(self._events, (when, self._count, kind, host.number, host.epoch))
