"""A batch served and measured: its answers, the loads it made, and an estimate of those of arrival order."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, field

from agents.batches import Batch, Line, Outcome
from core.clock import Clock
from core.errors import ConclaveError
from core.hosting import HostCounts, HostState
from core.ids import HostId, ModelName, RunId
from core.messages import Json
from core.money import to_usd
from core.ports import HostDirectory
from core.usage import Usage
from experts.waves import HostedCall, WaveGateway
from wiring.batches import batching
from wiring.container import Container

_LOOK_S = 1.0
_LAST_BEAT_S = 4.0


@dataclass(frozen=True, slots=True)
class Loads:
    """Models loaded, and the seconds that took."""

    count: int
    seconds: float


@dataclass(slots=True)
class Served:
    """What became of the lines of a batch, and what that took. `arrival` is an estimate, and not always possible."""

    answered: int = 0
    failed: int = 0
    micros: int = 0
    usage: Usage = field(default_factory=Usage)
    seconds: float = 0.0
    calls: int = 0
    models: int = 0
    switches: int = 0
    loads: Loads = Loads(0, 0.0)
    arrival: Loads | None = None

    def count(self, outcome: Outcome) -> None:
        """Add what came of one line."""
        self.micros += outcome.spent
        if isinstance(outcome.result, ConclaveError):
            self.failed += 1
        else:
            self.answered += 1
            self.usage += outcome.result.usage

    @property
    def arrival_seconds(self) -> float | None:
        """Return how long arrival order might have taken: the same serving with its own loads."""
        return None if self.arrival is None else self.seconds - self.loads.seconds + self.arrival.seconds

    def as_json(self) -> dict[str, Json]:
        """Return the figures by name."""
        estimate = None
        if self.arrival is not None and self.arrival_seconds is not None:
            estimate = {"estimated_loads": self.arrival.count, "estimated_seconds": round(self.arrival_seconds, 2)}
        return {
            "answered": self.answered,
            "failed": self.failed,
            "cost_usd": to_usd(self.micros),
            "input_tokens": self.usage.input_tokens,
            "output_tokens": self.usage.output_tokens,
            "output_tokens_per_s": round(self.usage.output_tokens / self.seconds, 1) if self.seconds else 0.0,
            "seconds": round(self.seconds, 2),
            "hosted": {
                "models": self.models,
                "calls": self.calls,
                "switches": self.switches,
                "loads": self.loads.count,
                "load_seconds": round(self.loads.seconds, 2),
            },
            "arrival_order": estimate,
        }


async def serve_batch(
    container: Container,
    lines: Sequence[Line],
    at_once: int,
    told: Callable[[Line, Outcome, ModelName | None], None],
) -> Served:
    """Answer all lines; `told` hears what came of each, as it ends, and which model is being served."""
    clock = container.clock
    served, watch = Served(), HostsWatch(container.hosts, clock)
    async with batching(container) as parts, watch.watching():
        batch: Batch[Line] = Batch(parts.convener, parts.gate, clock, min(at_once, len(lines)))
        began = clock.monotonic()
        async with aclosing(batch.run(lines)) as outcomes:
            async for line, outcome in outcomes:
                served.count(outcome)
                told(line, outcome, parts.gate.open)
        served.seconds = clock.monotonic() - began
        if parts.gate.calls:
            await _weigh(container, parts.gate, watch, lines, served)
    return served


async def _weigh(
    container: Container, gate: WaveGateway, watch: HostsWatch, lines: Sequence[Line], served: Served
) -> None:
    """Find out what the hosts did for the batch, and what they would have done line by line."""
    sizes = {name: spec.memory_bytes for name, spec in container.configuration.catalogue.models.items()}
    position = {line.item.asked.run_id: at for at, line in enumerate(lines)}
    served.calls, served.switches = len(gate.calls), gate.switches
    served.models = len({call.model for call in gate.calls})
    served.loads = await watch.settled(served.calls)
    served.arrival = in_arrival_order(gate.calls, position, watch, served.loads, sizes)


class HostsWatch:
    """Looks at the hosts once a second: what they hold at first, what each model's load took, and what they count."""

    def __init__(self, hosts: HostDirectory, clock: Clock) -> None:
        """Watch the hosts of a directory."""
        self._hosts = hosts
        self._clock = clock
        self._before: dict[HostId, HostCounts] = {}
        self._now: dict[HostId, HostCounts] = {}
        self.resident: tuple[ModelName, ...] = ()
        self.memory = 0
        self.sizes: dict[ModelName, int] = {}
        self.load_s: dict[ModelName, float] = {}

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look for as long as the context lasts."""
        states = await self._look()
        self._before = {state.id: state.counts for state in states}
        self.resident = tuple(model for state in states for model in state.resident)
        looking = asyncio.create_task(self._look_on())
        try:
            yield
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def settled(self, calls: int) -> Loads:
        """Return the loads so far, once the hosts say that they served `calls` requests, or a few seconds later."""
        deadline = self._clock.monotonic() + _LAST_BEAT_S
        while self._grown(lambda counts: counts.requests) < calls and self._clock.monotonic() < deadline:
            await asyncio.sleep(_LOOK_S / 4)
            await self._look()
        return Loads(int(self._grown(lambda counts: counts.loads)), self._grown(lambda counts: counts.load_seconds))

    def _grown(self, of: Callable[[HostCounts], float]) -> float:
        nothing = HostCounts()
        return sum(of(counts) - of(self._before.get(host, nothing)) for host, counts in self._now.items())

    async def _look_on(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            await self._look()

    async def _look(self) -> Sequence[HostState]:
        states: Sequence[HostState] = ()
        # What is not seen now is seen a second later.
        with suppress(ConclaveError):
            states = await self._hosts.hosts()
        for state in states:
            self._now[state.id] = state.counts
            for residence in state.residences:
                if residence.load_s:
                    self.load_s[residence.model] = residence.load_s
                    self.sizes[residence.model] = residence.memory_bytes
        self.memory = max(self.memory, sum(state.memory_budget for state in states))
        return states


def in_arrival_order(
    calls: Sequence[HostedCall],
    position: Mapping[RunId, int],
    watch: HostsWatch,
    made: Loads,
    sizes: Mapping[ModelName, int],
) -> Loads | None:
    """Return the loads that the same calls need line by line, the least recently used models making room.

    `position` is each run's line; `sizes` are bytes as configured, where they are, and a model of which no size is
    known takes all the memory. A load takes what was measured of the model, else the mean of `made`; nothing is
    returned when no load was measured at all.
    """
    if not made.count and not watch.load_s:
        return None
    known = list(watch.load_s.values())
    mean_s = made.seconds / made.count if made.count else sum(known) / len(known)
    sized = {**watch.sizes, **{model: size for model, size in sizes.items() if size}}
    held: OrderedDict[ModelName, int] = OrderedDict((name, sized.get(name, 0)) for name in watch.resident)
    count, seconds = 0, 0.0
    waves: defaultdict[tuple[int, int], list[ModelName]] = defaultdict(list)
    for call in calls:
        waves[position.get(call.run_id, 0), call.wave].append(call.model)
    for _, models in sorted(waves.items()):
        # A host first serves what it holds.
        for model in sorted(models, key=lambda name: name not in held):
            if model not in held:
                count += 1
                seconds += watch.load_s.get(model, mean_s)
                size = sized.get(model, 0) or watch.memory
                while held and sum(held.values()) + size > watch.memory:
                    held.popitem(last=False)
                held[model] = size
            held.move_to_end(model)
    return Loads(count, seconds)
