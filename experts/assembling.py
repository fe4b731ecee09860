"""Puts a whole reply together from its pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator

from core.errors import MalformedStream
from core.messages import FinishPiece, Piece, Reply, TextPiece, ToolCall, ToolCallPiece


class Assembly:
    """A reply under way."""

    def __init__(self) -> None:
        """Start with nothing said."""
        self._texts: list[str] = []
        self._tools: dict[int, _ToolDraft] = {}

    def add(self, piece: TextPiece | ToolCallPiece) -> None:
        """Take the next piece."""
        if isinstance(piece, TextPiece):
            self._texts.append(piece.text)
            return
        draft = self._tools.setdefault(piece.index, _ToolDraft())
        draft.id = piece.id or draft.id
        draft.name = piece.name or draft.name
        draft.arguments.append(piece.arguments)

    def end(self, last: FinishPiece) -> Reply:
        """Return the reply that `last` ends."""
        return Reply(
            text="".join(self._texts),
            finish=last.finish,
            usage=last.usage,
            tool_calls=tuple(
                ToolCall(draft.id, draft.name, "".join(draft.arguments)) for _, draft in sorted(self._tools.items())
            ),
            declined=last.declined,
            confidence=last.confidence,
            cost=last.cost,
            served_by=last.served_by,
        )


async def assemble(pieces: AsyncIterator[Piece]) -> Reply:
    """Return the reply of a whole stream; raises `MalformedStream` when it has no end."""
    assembly = Assembly()
    async for piece in pieces:
        if isinstance(piece, FinishPiece):
            return assembly.end(piece)
        assembly.add(piece)
    raise MalformedStream("the stream ended without saying why")


class _ToolDraft:
    __slots__ = ("arguments", "id", "name")

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []
