"""Listening to one expert: pieces go in as they arrive, a thought comes out."""

from __future__ import annotations

from agents.reading import short_answer, spoken
from core.clock import Clock
from core.errors import ConclaveError
from core.ids import ExpertName
from core.messages import Finish, FinishPiece, Piece, TextPiece, ToolCall, ToolCallPiece
from core.money import FREE
from core.query import Query
from core.thoughts import Thought
from core.usage import Usage


class Listener:
    """Gathers one expert's reply."""

    def __init__(self, expert: ExpertName, clock: Clock) -> None:
        """Start the expert's time now."""
        self.expert = expert
        self._clock = clock
        self._started = clock.monotonic()
        self._text: list[str] = []
        self._tools: dict[int, ToolCall] = {}
        self._end: FinishPiece | None = None
        self.spoke = False

    def hear(self, piece: Piece) -> None:
        """Take the next piece."""
        if isinstance(piece, TextPiece):
            self._text.append(piece.text)
            self.spoke = True
        elif isinstance(piece, ToolCallPiece):
            self._hear_tool(piece)
            self.spoke = True
        else:
            self._end = piece

    def thought(self, query: Query) -> Thought:
        """Return what was said so far as a thought."""
        text = "".join(self._text)
        end = self._end
        short = short_answer(text, query.text, query.response_format)
        return Thought(
            expert=self.expert,
            text=text,
            answer=short or spoken(text),
            comparable=short is not None,
            confidence=1.0 if end is None or end.confidence is None else end.confidence,
            usage=end.usage if end else Usage(calls=1),
            cost=end.cost if end else FREE,
            latency_s=self._clock.monotonic() - self._started,
            finish=end.finish if end else Finish.STOP,
            declined=end.declined if end else None,
            served_by=end.served_by if end else None,
            tool_calls=tuple(self._tools[index] for index in sorted(self._tools)),
        )

    def failed(self, query: Query, error: ConclaveError) -> Thought:
        """Return the thought of an expert that could not finish."""
        heard = self.thought(query)
        return Thought(
            expert=self.expert,
            text=heard.text,
            answer="",
            confidence=0.0,
            usage=heard.usage,
            latency_s=heard.latency_s,
            error=f"{error.error_code}: {error.message}",
        )

    def _hear_tool(self, piece: ToolCallPiece) -> None:
        known = self._tools.get(piece.index, ToolCall("", "", ""))
        self._tools[piece.index] = ToolCall(
            piece.id or known.id, piece.name or known.name, known.arguments + piece.arguments
        )
