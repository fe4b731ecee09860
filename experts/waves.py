"""The gate of a batch: hosted calls wait until every line has said whom it asks next, then the models serve in turn.

Symbolic-MoE's batch inference (arXiv 2503.05641, section 3.4), over calls instead of a plan: it never looks into a run.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from itertools import islice

from core.budgets import Spend
from core.calls import Call
from core.ids import ExpertName, ModelName, RunId
from core.messages import Piece, Reply
from core.ports import Gateway
from core.purse import Purse

QUIET_S = 0.01
"""The calls of one panel come within a few steps of the event loop; this is for a loop that is busy."""

PATIENCE_S = 10.0
"""Lines that think, as while they are routed, keep a gate that has callers shut no longer than this."""


@dataclass(frozen=True, slots=True)
class HostedCall:
    """A call that was let through: whose it was, and how many waves of its line came before."""

    run_id: RunId
    wave: int
    model: ModelName


@dataclass(slots=True, eq=False)
class _Line:
    purse: Purse | None = None
    wave: int = 0
    waiting: int = 0
    going: int = 0
    registered: bool = True

    @property
    def thinks(self) -> bool:
        return self.waiting + self.going == 0

    def keep_time(self) -> None:
        if self.purse is None:
            return
        if self.waiting and not self.going:
            self.purse.stand_still()
        else:
            self.purse.go_on()


@dataclass(slots=True, eq=False)
class _Waiter:
    call: HostedCall
    line: _Line
    let_through: asyncio.Future[None]


class WaveGateway:
    """A gateway in front of another, for the lines of one batch; one event loop's.

    A line is a run between entering and leaving `line`. It thinks while none of its calls waits or is under way; its
    wave is how often it has thought since its first call. Calls of experts that are not hosted pass at once.

    One model is open. Its calls are let through as they come, at most `room` at a time. While none of them is under
    way the next model is opened when no line thinks and nothing has changed for a moment, or when callers have waited
    for `patience_s`: the model of the earliest wave, of several the one with most callers.

    This cannot stop for good: a call under way ends within the inner gateway's deadlines, and when none is, a timer
    runs as long as anybody waits. With hosted calls only, and all lines there from the start, every model is opened at
    most once a wave: the earliest wave never falls, and opening a model serves all its callers of that wave.

    What an expert falls back to is called inside the inner gateway, and counts as a call of the model that was open.
    While a line only waits here its purse stands still.
    """

    def __init__(
        self,
        inner: Gateway,
        model_of: Callable[[ExpertName], ModelName | None],
        room: Callable[[ModelName], int],
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Call through `inner`; `model_of` names the hosted model of an expert, or nothing."""
        self._inner = inner
        self._model_of = model_of
        self._room = room
        self._patience_s = patience_s
        self._lines: dict[RunId, _Line] = {}
        self._thinking = 0
        self._waiting: defaultdict[ModelName, dict[_Waiter, None]] = defaultdict(dict)
        self._under_way = 0
        self._callers_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.open: ModelName | None = None
        self.switches = 0
        self.calls: list[HostedCall] = []

    @asynccontextmanager
    async def line(self, run_id: RunId) -> AsyncIterator[None]:
        """Count a run as one of those the gate waits for."""
        line = self._lines[run_id] = _Line()
        self._thinking += 1
        self._look()
        try:
            yield
        finally:
            del self._lines[run_id]
            line.registered = False
            self._thinking -= line.thinks
            self._look()

    async def stream(self, call: Call) -> AsyncGenerator[Piece, None]:
        """Yield the inner gateway's pieces, once the call is let through."""
        async with self._through(call), aclosing(self._inner.stream(call)) as pieces:
            async for piece in pieces:
                yield piece

    async def complete(self, call: Call) -> Reply:
        """Return the inner gateway's reply, once the call is let through."""
        async with self._through(call):
            return await self._inner.complete(call)

    def ceiling(self, call: Call) -> Spend:
        """Return what the inner gateway says."""
        return self._inner.ceiling(call)

    def healthy(self, expert: ExpertName) -> str | None:
        """Return what the inner gateway says."""
        return self._inner.healthy(expert)

    @asynccontextmanager
    async def _through(self, call: Call) -> AsyncIterator[None]:
        line = self._lines.get(call.run_id) or _Line(registered=False)
        line.purse = call.purse
        model = self._model_of(call.expert)
        if model is None:
            self._count(line, going=1)
            self._look()
            try:
                yield
            finally:
                self._count(line, going=-1)
                self._look()
            return
        waiter = _Waiter(HostedCall(call.run_id, line.wave, model), line, asyncio.get_running_loop().create_future())
        self._waiting[model][waiter] = None
        self._count(line, waiting=1)
        self._look()
        try:
            await waiter.let_through
            yield
        finally:
            self._leave(waiter)

    def _leave(self, waiter: _Waiter) -> None:
        queue = self._waiting[waiter.call.model]
        if waiter in queue:
            del queue[waiter]
            self._count(waiter.line, waiting=-1)
        else:
            self._under_way -= 1
            self._count(waiter.line, going=-1)
        self._look()

    def _count(self, line: _Line, waiting: int = 0, going: int = 0) -> None:
        thought = line.thinks
        line.waiting += waiting
        line.going += going
        if line.registered:
            self._thinking += line.thinks - thought
        line.wave += line.thinks
        line.keep_time()

    def _look(self) -> None:
        """Let callers of the open model through, and see when another one is due."""
        self._let_through()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._under_way or not any(self._waiting.values()):
            self._callers_since = None
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        if self._callers_since is None:
            self._callers_since = now
        latest = self._callers_since + self._patience_s
        self._timer = loop.call_at(latest if self._thinking else min(now + QUIET_S, latest), self._open_next)

    def _let_through(self) -> None:
        if self.open is None:
            return
        queue, room = self._waiting[self.open], max(1, self._room(self.open))
        for waiter in list(islice(queue, max(0, room - self._under_way))):
            # One that was cancelled a moment ago takes itself out.
            if not waiter.let_through.done():
                del queue[waiter]
                self._under_way += 1
                self._count(waiter.line, waiting=-1, going=1)
                self.calls.append(waiter.call)
                waiter.let_through.set_result(None)

    def _open_next(self) -> None:
        def turn(model: ModelName) -> tuple[int, int]:
            queue = self._waiting[model]
            return (min(waiter.call.wave for waiter in queue), -len(queue))

        self._timer = None
        following = min((model for model, queue in self._waiting.items() if queue), key=turn)
        self.switches += following != self.open
        self.open = following
        self._look()
