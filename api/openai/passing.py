"""A chat completion by one expert, metered: the shortest way from the request to the pieces and back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from starlette.responses import Response

from agents.convening import Asked
from api.leaving import CancelledWhenCallerLeaves
from api.openai.completion import DONE, Completion
from api.openai.heading import caller_left, cost_header, head_of, whole
from api.openai.passed import passed_json
from api.routes import Visit
from api.streams import EventStream
from core.experts import ExpertSpec
from core.messages import FinishPiece, Json, Piece, Reply, TextPiece
from core.money import Micros, to_usd
from core.usage import Usage


class PassingThrough:
    """One expert, metered: the shortest way from the request to the pieces and back."""

    def __init__(
        self, visit: Visit, completion: Completion, asked: Asked, expert: ExpertSpec, *, explain: bool
    ) -> None:
        self._visit = visit
        self._completion = completion
        self._asked = asked
        self._expert = expert
        self._explain = explain
        self._began = visit.container.clock.monotonic()

    async def whole(self) -> Response:
        """Return the completion in one piece."""
        convener = self._visit.container.convener
        async with CancelledWhenCallerLeaves(self._visit.request.receive):
            reply = await convener.pass_through_whole(self._asked, self._expert.name)
            cost = self._paid(reply.usage, reply.cost)
            body = self._completion.whole(
                reply.text,
                reply.finish.value,
                reply.usage,
                tool_calls=reply.tool_calls,
                refusal=reply.declined,
                conclave=self._explained(reply) if self._explain else None,
            )
            return whole(body, [*head_of(self._asked.run_id, (self._expert.name,)), cost_header(cost)])
        return caller_left()

    def stream(self) -> EventStream:
        """Return the completion as it comes."""
        pieces = self._visit.container.convener.pass_through(self._asked, self._expert.name)
        return EventStream(self._events(pieces), head_of(self._asked.run_id, (self._expert.name,)))

    async def _events(self, pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[bytes, None]:
        completion = self._completion
        texts: list[str] = []
        opening = completion.opening()
        async with aclosing(pieces):
            async for piece in pieces:
                if opening:
                    yield opening
                    opening = b""
                if isinstance(piece, TextPiece):
                    if self._explain:
                        texts.append(piece.text)
                    yield completion.words(piece.text)
                elif isinstance(piece, FinishPiece):
                    for chunk in self._ending(piece, "".join(texts)):
                        yield chunk
                else:
                    yield completion.tool_call(piece.index, piece.id, piece.name, piece.arguments)

    def _ending(self, piece: FinishPiece, text: str) -> Iterator[bytes]:
        cost = self._paid(piece.usage, piece.cost)
        reply = Reply(
            text,
            piece.finish,
            piece.usage,
            declined=piece.declined,
            confidence=piece.confidence,
            cost=piece.cost,
            served_by=piece.served_by,
        )
        if piece.declined is not None:
            yield self._completion.refusal(piece.declined)
        yield self._completion.closing(piece.finish.value, self._explained(reply) if self._explain else None)
        if self._completion.with_usage:
            yield self._completion.usage(piece.usage, to_usd(cost))
        yield DONE

    def _paid(self, usage: Usage, cost: Micros) -> Micros:
        self._visit.service.meters.used(usage, cost)
        return cost

    def _explained(self, reply: Reply) -> dict[str, Json]:
        latency_s = self._visit.container.clock.monotonic() - self._began
        return passed_json(reply, self._expert.name, self._asked.run_id, latency_s)
