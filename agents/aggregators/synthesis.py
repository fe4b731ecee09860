"""Synthesis: one expert reads all thoughts critically and writes the answer (arXiv 2503.05641, section 3.3)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

from agents.aggregators.contract import Draft, Table
from agents.listening import Listener
from agents.reading import spoken
from core.calls import Call
from core.clock import Clock
from core.errors import InternalError
from core.messages import Message, Role, TextPiece
from core.ports import Gateway
from core.query import Query
from core.thoughts import Part

_INSTRUCTION = (
    "Several experts were asked the question above, each on its own. Their replies follow. Some may be mistaken or "
    "incomplete. Weigh them against each other and against what you know, keep what is right, drop what is wrong, and "
    "write one clear answer to the question. Do not mention the experts or their replies. If the question asks for a "
    "particular form, keep to it."
)
_REPLY_CHARACTERS = 1_500


def brief(question: str, replies: Sequence[str]) -> str:
    """Return what the chair is asked: the question, and the experts' replies to weigh, in their order."""
    listed = "\n\n".join(f"Reply {number}:\n{shown(reply)}" for number, reply in enumerate(replies, start=1))
    return f"{question}\n\n---\n{_INSTRUCTION}\n\n{listed}\n\n---\nAnswer:"


def shown(reply: str) -> str:
    """Return what the chair sees of a reply: no private thinking, and the beginning of a long one."""
    said = spoken(reply)
    return said if len(said) <= _REPLY_CHARACTERS else said[:_REPLY_CHARACTERS] + " [...]"


class Synthesis:
    """Has the table's chair write the answer from everybody's words."""

    def __init__(self, gateway: Gateway, clock: Clock) -> None:
        """Call the chair through `gateway`."""
        self._gateway = gateway
        self._clock = clock

    async def combine(self, table: Table) -> AsyncGenerator[str | Draft, None]:
        """Yield the chair's text as it comes, then the draft; raises what the gateway raises."""
        if table.chair is None:
            raise InternalError("synthesis was asked for with no aggregator expert chosen")
        query, words = table.query, [thought.text for thought in table.thoughts]
        call = Call(
            expert=table.chair,
            messages=(*_before_question(query), Message(Role.USER, brief(query.text, words))),
            purse=table.purse,
            run_id=table.run_id,
            key_id=table.key_id,
            pool=table.pool,
            sampling=query.sampling,
            response_format=query.response_format,
            constraints=query.constraints,
            persona=False,
            batch=query.batch,
        )
        listener = Listener(table.chair, self._clock)
        async with aclosing(self._gateway.stream(call)) as pieces:
            async for piece in pieces:
                listener.hear(piece)
                if isinstance(piece, TextPiece):
                    yield piece.text
        said = replace(listener.thought(query), role=Part.AGGREGATOR)
        yield Draft(said.text, _expected(table), "synthesis", said)


def _before_question(query: Query) -> tuple[Message, ...]:
    return query.messages[:-1] if query.messages[-1].role is Role.USER else query.messages


def _expected(table: Table) -> float:
    return max(table.quality.get(thought.expert, 0.5) for thought in table.thoughts)
