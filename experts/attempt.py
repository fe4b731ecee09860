"""One attempt: one call of one expert, reserved before it and settled after it, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import structlog

from core.budgets import Spend
from core.calls import Call
from core.clock import Clock
from core.errors import ConclaveError, InternalError, MalformedStream, origin_of
from core.experts import ExpertSpec, Kind
from core.messages import FinishPiece, Piece, Reply, TextPiece
from core.money import FREE, Micros
from core.usage import Usage
from experts.circuit import Pass
from experts.counting import guessed_usage, most_input_tokens
from experts.faults import reached
from experts.lines import Line
from experts.ports import Quote
from experts.watch import Watch

_log = structlog.get_logger()

CLOSING_S = 1.0
CANCELLED = "cancelled"


class Attempt:
    """Runs one call of one expert, once. `call` is the briefed one: persona, sampling and `max_tokens` settled.

    It counts as cancelled until it ends otherwise. `ended` is told once, when everything is settled: before the last
    piece is handed on, or as the error passes.
    """

    def __init__(
        self,
        line: Line,
        call: Call,
        ticket: Pass,
        clock: Clock,
        quote: Quote | None,
        ended: Callable[[Attempt], None],
    ) -> None:
        """Reserve the ceiling in the call's purse; raises `BudgetExceeded`, or `DeadlineExceeded` with no time left."""
        self.line = line
        self.call = call
        self.ticket = ticket
        self.usage = Usage()
        self.micros = FREE
        self.first_s = 0.0
        self.latency_s = 0.0
        self.outcome = CANCELLED
        self.error: ConclaveError | None = None
        self._clock = clock
        self._quote = quote
        self._ended = ended
        self._pieces = 0
        self._characters = 0
        self._total_s = call.seconds_left(line.deadlines.total)
        self.hurried = self._total_s < line.deadlines.total
        self.ceiling = most_spend(line.spec, call, quote)
        self._reservation = call.purse.reserve(self.ceiling)
        self._started = clock.monotonic()

    @property
    def shown(self) -> bool:
        """Whether any part of the reply was handed on."""
        return self._pieces > 0

    async def stream(self) -> AsyncGenerator[Piece, None]:
        """Yield the pieces, the last a `FinishPiece`. Empty text from the transport is a sign of life, not a piece."""
        line = self.line
        watch = Watch(line.deadlines, self._total_s)
        source: AsyncIterator[Piece] | None = None
        last: FinishPiece | None = None
        try:
            source = line.transport.stream(line.spec, self.call, line.deadlines)
            while last is None:
                piece = await watch.next_of(source)
                if isinstance(piece, TextPiece):
                    if piece.text:
                        self._note(len(piece.text))
                        yield piece
                elif isinstance(piece, FinishPiece):
                    last = self._settle(piece)
                elif piece is None:
                    raise MalformedStream(f"expert {line.spec.name} ended its stream without saying why")
                else:
                    self._note(len(piece.arguments))
                    yield piece
        except ConclaveError as error:
            self._failed(error)
            raise
        except Exception as error:
            raise self._defect(error) from error
        finally:
            watch.close()
            if last is None:
                self._settle_broken()
            await _close(source, patient=last is not None)
        yield last

    async def complete(self, ask: Callable[[], Awaitable[Reply]]) -> Reply:
        """Return the whole reply that `ask` brings."""
        watch = Watch(self.line.deadlines, self._total_s)
        settled = False
        try:
            reply = await watch.whole(ask())
            last = self._settle(FinishPiece(reply.finish, reply.usage, reply.declined, reply.confidence))
            settled = True
        except ConclaveError as error:
            self._failed(error)
            raise
        except Exception as error:
            raise self._defect(error) from error
        finally:
            watch.close()
            if not settled:
                self._settle_broken()
        return replace(reply, cost=last.cost, served_by=last.served_by)

    def _note(self, characters: int) -> None:
        if not self._pieces:
            self.first_s = self._clock.monotonic() - self._started
        self._pieces += 1
        self._characters += characters

    def _failed(self, error: ConclaveError) -> None:
        self.error = error
        self.outcome = error.error_code

    def _defect(self, error: Exception) -> InternalError:
        name = self.line.spec.name
        # Never the whole traceback: it would show the words of the call, and reading source files blocks the loop.
        _log.error("gateway.defect", expert=name, error=type(error).__name__, where=origin_of(error))
        defect = InternalError(f"calling expert {name} failed in an unforeseen way")
        self._failed(defect)
        return defect

    def _settle(self, last: FinishPiece) -> FinishPiece:
        self.outcome = "ok" if last.declined is None else "declined"
        usage = last.usage
        self._pay(usage, self._cost(usage) if self._quote is None else self._quote.micros)
        return replace(last, cost=self.micros, served_by=self.line.spec.name)

    def _settle_broken(self) -> None:
        """Pay for the tokens so far when the expert had begun to work, and for nothing otherwise."""
        if self.shown or self.error is None or reached(self.error):
            # What quotes its calls uses no tokens of a provider.
            guess = guessed_usage(self.call, self._characters, self._pieces)
            self._pay(*((guess, self._cost(guess)) if self._quote is None else (Usage(calls=1), FREE)))
        else:
            self.call.purse.release(self._reservation)
            self._end()

    def _cost(self, usage: Usage) -> Micros:
        return self.line.spec.price.cost(usage.input_tokens, usage.output_tokens, usage.cached_tokens)

    def _pay(self, usage: Usage, micros: Micros) -> None:
        self.usage = usage
        self.micros = micros
        ceiling = self.ceiling
        if micros > ceiling.micros or usage.total_tokens > ceiling.tokens:
            _log.warning(
                "gateway.ceiling_exceeded",
                expert=self.line.spec.name,
                tokens=usage.total_tokens,
                reserved_tokens=ceiling.tokens,
                micros=micros,
                reserved_micros=ceiling.micros,
            )
        actual = Spend(Micros(min(micros, ceiling.micros)), min(usage.total_tokens, ceiling.tokens), 1)
        self.call.purse.settle(self._reservation, actual)
        self._end()

    def _end(self) -> None:
        self.latency_s = self._clock.monotonic() - self._started
        self._ended(self)


def most_spend(spec: ExpertSpec, call: Call, quote: Quote | None = None) -> Spend:
    """Return the most that a briefed call of `spec` can use: a true ceiling, as `max_tokens` is always set."""
    if quote is not None:
        return Spend(quote.micros, quote.usage.total_tokens, 1)
    if spec.kind is Kind.TOOL:
        return Spend(spec.price.cost(0, 0), 0, 1)
    most_input = most_input_tokens(call)
    if spec.context:
        most_input = min(most_input, spec.context)
    most_output = call.sampling.max_tokens or spec.max_output
    return Spend(spec.price.cost(most_input, most_output), most_input + most_output, 1)


async def _close(source: AsyncIterator[Any] | None, *, patient: bool) -> None:
    close = getattr(source, "aclose", None)
    if close is None:
        return
    if patient:
        await close()
        return
    try:
        async with asyncio.timeout(CLOSING_S):
            await close()
    except TimeoutError:
        _log.warning("gateway.slow_close", transport=type(source).__qualname__)
