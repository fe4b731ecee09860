"""The gateway: the one door to every expert. Deadlines, fallbacks, health, cancellation and money are settled here."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing

import structlog

from core.budgets import Spend
from core.calls import Call, Deadlines
from core.clock import Clock
from core.errors import (
    BudgetExceeded,
    ConclaveError,
    DeadlineExceeded,
    InvalidRequest,
    UpstreamError,
    UpstreamRateLimited,
)
from core.experts import Catalogue, Kind
from core.ids import ExpertName
from core.messages import Piece, Reply
from core.ports import Transport, UsageLog
from core.runs import UsageRecord
from experts.assembling import assemble
from experts.attempt import Attempt, most_spend
from experts.briefing import brief
from experts.circuit import Pass
from experts.faults import Blame, blame, passes_on
from experts.health import Health, HealthBook
from experts.lines import Line, Switchboard
from experts.ports import Quote
from experts.watch import FIRST_TOKEN, TOTAL

_log = structlog.get_logger()

# What to wait when a provider answers 429 and does not say how long.
UNSAID_WAIT_S = (1.0, 3.0)


class ExpertGateway:
    """Calls experts of every kind through the transport of their kind.

    A call that fails before anything of it was shown goes on to the expert's fallbacks, in order; nothing is tried
    twice. Every attempt is reserved in the call's purse before it is made, and its usage recorded after.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        transports: Mapping[Kind, Transport],
        usage: UsageLog,
        clock: Clock,
        rng: random.Random,
        deadlines: Mapping[Kind, Deadlines] | None = None,
    ) -> None:
        """Serve the experts of `catalogue`; kinds that `deadlines` leaves out keep those of `experts.lines`."""
        self._board = Switchboard(catalogue, transports, rng, deadlines or {})
        self._usage = usage
        self._clock = clock
        self._rng = rng
        self._health = HealthBook()

    async def stream(self, call: Call) -> AsyncGenerator[Piece, None]:
        """Yield the reply's pieces, the last a `FinishPiece`; closing the iterator cancels the call upstream."""
        failure: ConclaveError | None = None
        for line in self._lines(call):
            attempt: Attempt | None = None
            try:
                attempt = await self._begin(line, call, failure)
                async with aclosing(attempt.stream()) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except ConclaveError as error:
                if (attempt is not None and attempt.shown) or not passes_on(error):
                    raise
                failure = error
        assert failure is not None  # noqa: S101  # there is always a first line
        raise failure

    async def complete(self, call: Call) -> Reply:
        """Return the whole reply, by the cheaper way without a stream where the transport has one."""
        failure: ConclaveError | None = None
        for line in self._lines(call):
            try:
                return await self._whole(line, await self._begin(line, call, failure))
            except ConclaveError as error:
                if not passes_on(error):
                    raise
                failure = error
        assert failure is not None  # noqa: S101  # there is always a first line
        raise failure

    def ceiling(self, call: Call) -> Spend:
        """Return the most the call can cost, its fallbacks included; raises `ContextTooLong`, `NotFound`."""
        # Every line may be charged for: one that broke early, and the one that stood in for it.
        return sum((most_spend(line.spec, brief(line.spec, call)) for line in self._lines(call)), Spend())

    def healthy(self, expert: ExpertName) -> str | None:
        """Return why the expert should not be called now, or nothing when it may be."""
        try:
            line = self._board.line(expert)
        except ConclaveError as error:
            return error.message
        if line.reporting is not None and (why := line.reporting.unfit(line.spec)) is not None:
            return why
        now = self._clock.monotonic()
        if (wait_s := line.quota.wait_s(now)) is not None:
            return f"its provider asked us to wait {wait_s:.0f} s more"
        if line.pace.wait_s(now) is not None:
            return "it is at the limit that conclave.yaml sets"
        if (wait_s := line.circuit.opens_in(now)) is not None:
            return f"it failed too often ({line.circuit.reason}); next try in {wait_s:.0f} s"
        return None

    def health(self, expert: ExpertName) -> Health:
        """Return how calls of the expert went of late."""
        return self._health.of(expert)

    def _lines(self, call: Call) -> Iterator[Line]:
        line = self._board.line(call.expert)
        forbidden = call.constraints.forbid(line.spec)
        if forbidden is not None:
            raise InvalidRequest(f"expert {call.expert} may not be asked: {forbidden}", code="forbidden_expert")
        yield line
        for name in line.spec.fallback:
            stand_in = self._board.line(name)
            if call.constraints.forbid(stand_in.spec) is None:
                yield stand_in

    async def _begin(self, line: Line, call: Call, failure: ConclaveError | None) -> Attempt:
        """Admit a call to a line: its circuit, its quota, its context and the purse all have a say."""
        spec = line.spec
        briefed = brief(spec, call)
        quote = await _quote(line, briefed)
        ticket = self._admit(line)
        try:
            attempt = Attempt(line, briefed, ticket, self._clock, quote, self._account)
        except ConclaveError as error:
            line.circuit.forgot(ticket)
            if failure is not None and isinstance(error, BudgetExceeded):
                # A fallback that is too dear leaves the failure that led to it standing, and the chain at its end.
                raise BudgetExceeded(f"{error.message} (after: {failure.message})", param=error.param) from None
            raise
        line.pace.begin(self._clock.monotonic(), attempt.ceiling.tokens)
        if failure is not None:
            _log.info("gateway.fell_back", expert=call.expert, to=spec.name, error=failure.error_code)
        return attempt

    def _admit(self, line: Line) -> Pass:
        now = self._clock.monotonic()
        name = line.spec.name
        if (wait_s := line.quota.wait_s(now)) is not None:
            raise UpstreamRateLimited(
                f"the provider of expert {name} asked us to wait {wait_s:.1f} s more", retry_after_s=wait_s
            )
        if (wait_s := line.pace.wait_s(now)) is not None:
            raise UpstreamRateLimited(
                f"expert {name} is at the limit that conclave.yaml sets; try again in {wait_s:.1f} s",
                code="expert_limit",
                retry_after_s=wait_s,
            )
        ticket = line.circuit.admit(now)
        if ticket is None:
            raise UpstreamError(
                f"expert {name} failed too often of late ({line.circuit.reason}) and is being left alone",
                code="circuit_open",
                retry_after_s=line.circuit.opens_in(now),
            )
        return ticket

    async def _whole(self, line: Line, attempt: Attempt) -> Reply:
        completing = line.completing
        if completing is not None:
            return await attempt.complete(lambda: completing.complete(line.spec, attempt.call, line.deadlines))
        async with aclosing(attempt.stream()) as pieces:
            return await assemble(pieces)

    def _account(self, attempt: Attempt) -> None:
        """Take note of how an attempt ended: its usage, and what it says about the expert's health."""
        call = attempt.call
        usage = attempt.usage
        name = attempt.line.spec.name
        attempt.line.pace.end(attempt.ceiling.tokens - usage.total_tokens)
        self._usage.record(
            UsageRecord(
                run_id=call.run_id,
                key_id=call.key_id,
                pool=call.pool,
                expert=name,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cached_tokens=usage.cached_tokens,
                micros=attempt.micros,
                latency_s=attempt.latency_s,
                outcome=attempt.outcome,
                at=self._clock.now(),
            )
        )
        self._judge(attempt)

    def _judge(self, attempt: Attempt) -> None:
        line, error = attempt.line, attempt.error
        now = self._clock.monotonic()
        if error is None:
            if attempt.outcome == "cancelled":
                line.circuit.forgot(attempt.ticket)
                return
            line.circuit.succeeded(attempt.ticket)
            self._health.went_well(line.spec.name, attempt.first_s, attempt.latency_s)
            return
        if isinstance(error, UpstreamRateLimited):
            wait_s = self._rng.uniform(*UNSAID_WAIT_S) if error.retry_after_s is None else error.retry_after_s
            line.quota.hold_off(now, wait_s)
        # A deadline that the caller's own wall time brought forward says nothing about the expert.
        verdict = Blame.NONE if attempt.hurried and error.error_code == TOTAL else blame(error)
        if verdict is Blame.NONE:
            line.circuit.forgot(attempt.ticket)
            return
        self._health.went_wrong(line.spec.name)
        if line.circuit.failed(attempt.ticket, now, error.error_code, at_once=verdict is Blame.OFF):
            _log.warning("gateway.circuit_opened", expert=line.spec.name, error=error.error_code)


async def _quote(line: Line, call: Call) -> Quote | None:
    if line.quoting is None:
        return None
    try:
        async with asyncio.timeout(line.deadlines.first_token):
            return await line.quoting.quote(line.spec, call)
    except TimeoutError:
        raise DeadlineExceeded(f"expert {line.spec.name} was not ready in time", code=FIRST_TOKEN) from None
