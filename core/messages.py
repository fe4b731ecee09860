"""What is said between people, experts and tools: messages, sampling, output formats, and a streamed reply's pieces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from core.ids import ExpertName
from core.money import FREE, Micros
from core.usage import Usage

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""Any JSON value."""


class Role(StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    DEVELOPER = "developer"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """An expert's wish to call a tool; `arguments` is the JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a message: an https or data URL."""

    url: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation."""

    role: Role
    text: str = ""
    images: tuple[Image, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an expert draws its words; `None` leaves the choice to the model's own default."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None

    def over(self, defaults: Sampling) -> Sampling:
        """Return these settings, with `defaults` where nothing is set."""
        return Sampling(
            temperature=self.temperature if self.temperature is not None else defaults.temperature,
            top_p=self.top_p if self.top_p is not None else defaults.top_p,
            max_tokens=self.max_tokens if self.max_tokens is not None else defaults.max_tokens,
            stop=self.stop or defaults.stop,
            seed=self.seed if self.seed is not None else defaults.seed,
            frequency_penalty=(
                self.frequency_penalty if self.frequency_penalty is not None else defaults.frequency_penalty
            ),
            presence_penalty=self.presence_penalty if self.presence_penalty is not None else defaults.presence_penalty,
        )


@dataclass(frozen=True, slots=True)
class ResponseFormat:
    """The shape an answer must have: free text, any JSON object, or JSON by a schema."""

    kind: Literal["text", "json_object", "json_schema"] = "text"
    name: str = "answer"
    schema: Mapping[str, Json] | None = None
    strict: bool = True


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A function a caller offers the expert; `parameters` is its JSON Schema."""

    name: str
    description: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)


class Finish(StrEnum):
    """Why a reply ended, in the words of the OpenAI API."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"


@dataclass(frozen=True, slots=True)
class TextPiece:
    """The next characters of a streamed reply."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolCallPiece:
    """The next part of a streamed tool call; id and name come with the first part of each index."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class FinishPiece:
    """The end of a reply: always the last piece, exactly once.

    `declined` says why an expert would not answer. `cost` and `served_by` (who answered, after fallbacks) are filled in
    by the gateway.
    """

    finish: Finish
    usage: Usage
    declined: str | None = None
    confidence: float | None = None
    cost: Micros = FREE
    served_by: ExpertName | None = None


Piece = TextPiece | ToolCallPiece | FinishPiece
"""A part of a streamed reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply, put together from its pieces."""

    text: str
    finish: Finish
    usage: Usage
    tool_calls: tuple[ToolCall, ...] = ()
    declined: str | None = None
    confidence: float | None = None
    cost: Micros = FREE
    served_by: ExpertName | None = None


def last_user_text(messages: Sequence[Message]) -> str:
    """Return the text of the newest user message, or the empty string when there is none."""
    return next((m.text for m in reversed(messages) if m.role is Role.USER), "")
