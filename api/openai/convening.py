"""A chat completion by a pool: the answer's words as they come, the decision and the thoughts when asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

from starlette.responses import Response

from agents.convening import Asked
from api.errors import Headers
from api.leaving import CancelledWhenCallerLeaves
from api.openai.completion import DONE, Completion
from api.openai.heading import caller_left, cost_header, head_of, whole
from api.routes import Visit
from api.streams import EventStream
from core.answers import Answer
from core.errors import InternalError
from core.events import Event, EventKind
from core.ids import ExpertName
from core.money import to_usd
from core.pools import PoolSpec
from core.rendering import answer_json


class Convening:
    """One convening of a pool, rendered for its caller."""

    def __init__(self, visit: Visit, completion: Completion, asked: Asked, pool: PoolSpec, *, explain: bool) -> None:
        self._visit = visit
        self._completion = completion
        self._asked = asked
        self._pool = pool
        self._explain = explain

    async def whole(self) -> Response:
        """Return the completion in one piece."""
        async with (
            CancelledWhenCallerLeaves(self._visit.request.receive),
            aclosing(self._visit.container.convener.convene(self._asked, self._pool)) as items,
        ):
            async for item in items:
                if isinstance(item, Answer):
                    return self._answered(item)
            raise InternalError("a run ended with neither an answer nor an error")
        return caller_left()

    def stream(self) -> EventStream:
        """Return the completion as it comes."""
        headers: Headers = []
        return EventStream(self._events(headers), headers)

    def _answered(self, answer: Answer) -> Response:
        self._visit.service.meters.used(answer.usage, answer.spend.micros)
        body = self._completion.whole(
            answer.text,
            answer.finish.value,
            answer.usage,
            tool_calls=answer.tool_calls,
            conclave=answer_json(answer) if self._explain else None,
        )
        seats = answer.decision.panel if answer.decision else ()
        head = head_of(self._asked.run_id, tuple(seat.expert for seat in seats), seats[0].why if seats else "")
        return whole(body, [*head, cost_header(answer.spend.micros)])

    async def _events(self, headers: Headers) -> AsyncGenerator[bytes, None]:
        completion = self._completion
        opened = False
        async with aclosing(self._visit.container.convener.convene(self._asked, self._pool)) as items:
            async for item in items:
                if isinstance(item, Answer):
                    for chunk in self._ending(item):
                        yield chunk
                elif item.kind is EventKind.PANEL_RECRUITED and not opened:
                    # The headers go out with the first chunk, and so they can name the experts.
                    headers += head_of(self._asked.run_id, *_recruited(item))
                    opened = True
                    yield completion.opening()
                elif item.kind is EventKind.ANSWER_DELTA:
                    yield self._delta(item)

    def _delta(self, event: Event) -> bytes:
        call = event.data.get("tool_call")
        if isinstance(call, dict):
            return self._completion.tool_call(
                int(call["index"]), call.get("id"), call.get("name"), call.get("arguments") or ""
            )
        return self._completion.words(str(event.data.get("text", "")))

    def _ending(self, answer: Answer) -> Iterator[bytes]:
        self._visit.service.meters.used(answer.usage, answer.spend.micros)
        yield self._completion.closing(answer.finish.value, answer_json(answer) if self._explain else None)
        if self._completion.with_usage:
            yield self._completion.usage(answer.usage, to_usd(answer.spend.micros))
        yield DONE


def _recruited(event: Event) -> tuple[tuple[ExpertName, ...], str]:
    """Return who was recruited, and why the first was."""
    decision = event.data.get("decision")
    panel = (decision.get("panel") if isinstance(decision, dict) else None) or ()
    return tuple(ExpertName(str(seat["expert"])) for seat in panel), str(panel[0]["why"]) if panel else ""
