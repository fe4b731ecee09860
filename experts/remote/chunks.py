"""Completions of an OpenAI-compatible upstream, streamed or whole, as our pieces and replies. Trusts nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from core.errors import MalformedStream
from core.messages import Finish, FinishPiece, Piece, Reply, TextPiece, ToolCall, ToolCallPiece
from core.usage import Usage
from experts.remote.refusals import error_object

DONE = b"[DONE]"
MOST_TOOL_CALLS = 128
ALIVE = TextPiece("")
"""A sign of life that holds no text, for what is not part of the reply, such as hidden reasoning."""

_FINISH: Mapping[str, Finish] = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "max_tokens": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "function_call": Finish.TOOL_CALLS,
    "content_filter": Finish.CONTENT_FILTER,
}


class ChunkReader:
    """Reads the chunks of one streamed completion; `finished()` gives the last piece."""

    def __init__(self, who: str, secret: str = "") -> None:
        """Read a stream of `who`, a name for messages; `secret` must not appear in them."""
        self._who = who
        self._secret = secret
        self._finish: Finish | None = None
        self._usage: Usage | None = None
        self._tools: dict[int, list[str]] = {}
        self._place: dict[int, int] = {}
        self._place_of: dict[tuple[int, str], int] = {}
        self.done = False
        self.characters = 0
        self.pieces = 0

    @property
    def usage(self) -> Usage | None:
        """Return the usage that the provider reported, if it did."""
        return self._usage

    def read(self, payload: bytes) -> Sequence[Piece]:
        """Return the pieces of one event; raises `MalformedStream`, or the typed error of an error object."""
        if payload.startswith(DONE):
            self.done = True
            return ()
        return self.take(_parsed(self._who, payload))

    def take(self, chunk: Mapping[str, Any]) -> Sequence[Piece]:
        """Return the pieces of one chunk that was parsed already; raises as `read` does."""
        if chunk.get("error"):
            raise error_object(self._who, chunk["error"], secret=self._secret)
        usage = chunk.get("usage")
        if usage:
            self._usage = read_usage(self._who, usage)
        choices = chunk.get("choices")
        if not choices:
            if choices is None and not usage and chunk.get("object") == "error":
                raise error_object(self._who, chunk, secret=self._secret)
            return ()
        choice = _first(self._who, choices)
        reason = choice.get("finish_reason")
        if reason is not None:
            self._finish = read_finish(self._who, reason)
        delta = choice.get("delta")
        return self._delta(delta) if delta else ()

    def finished(self) -> FinishPiece:
        """Return the end of the reply; raises `MalformedStream` when the stream broke off before it."""
        if self._finish is None:
            if not self.done:
                raise MalformedStream(f"{self._who} ended its stream without saying why")
            self._finish = Finish.STOP
        for arguments in self._tools.values():
            if self._finish in (Finish.STOP, Finish.TOOL_CALLS):
                self._finish = Finish.TOOL_CALLS
                _check_arguments(self._who, "".join(arguments))
        return FinishPiece(self._finish, self._usage or Usage(calls=1))

    def _delta(self, delta: Any) -> Sequence[Piece]:
        if not isinstance(delta, dict):
            raise _malformed(self._who, "delta")
        pieces: list[Piece] = []
        content = delta.get("content") or delta.get("refusal")
        if content:
            if not isinstance(content, str):
                raise _malformed(self._who, "content")
            self.characters += len(content)
            self.pieces += 1
            pieces.append(TextPiece(content))
        tool_calls = delta.get("tool_calls")
        if tool_calls:
            if not isinstance(tool_calls, list):
                raise _malformed(self._who, "tool_calls")
            pieces.extend([self._tool_part(part) for part in tool_calls])
        elif not content and (delta.get("reasoning_content") or delta.get("reasoning")):
            pieces.append(ALIVE)
        return pieces

    def _tool_part(self, part: Any) -> ToolCallPiece:
        if not isinstance(part, dict):
            raise _malformed(self._who, "tool_calls")
        function = part.get("function") or {}
        if not isinstance(function, dict):
            raise _malformed(self._who, "function")
        identity = _text_or_none(self._who, part, "id")
        name = _text_or_none(self._who, function, "name")
        arguments = _text_or_none(self._who, function, "arguments") or ""
        place = self._placed(part.get("index", 0), identity)
        self._tools.setdefault(place, []).append(arguments)
        self.characters += len(arguments)
        self.pieces += 1
        return ToolCallPiece(place, identity, name, arguments)

    def _placed(self, index: Any, identity: str | None) -> int:
        """Return the index of a part's call: some providers number every call 0, so a new id is a new call."""
        if not isinstance(index, int) or not 0 <= index < MOST_TOOL_CALLS:
            raise _malformed(self._who, "index")
        if not identity:
            return self._place.setdefault(index, index)
        place = self._place_of.get((index, identity))
        if place is None:
            place = index if index not in self._tools else max(self._tools) + 1
            if place >= MOST_TOOL_CALLS:
                raise _malformed(self._who, "tool_calls")
            self._place_of[index, identity] = place
        self._place[index] = place
        return place


def read_completion(who: str, body: bytes, secret: str = "") -> Reply:
    """Return the reply that a whole completion holds; raises `MalformedStream`, or the error of an error object."""
    whole = _parsed(who, body)
    if whole.get("error"):
        raise error_object(who, whole["error"], secret=secret)
    choice = _first(who, whole.get("choices"))
    message = choice.get("message")
    if not isinstance(message, dict):
        raise _malformed(who, "message")
    text = message.get("content") or message.get("refusal") or ""
    if not isinstance(text, str):
        raise _malformed(who, "content")
    tool_calls = _tool_calls(who, message.get("tool_calls") or [])
    usage = whole.get("usage")
    return Reply(
        text=text,
        finish=Finish.TOOL_CALLS if tool_calls else read_finish(who, choice.get("finish_reason") or "stop"),
        usage=read_usage(who, usage) if usage else Usage(calls=1),
        tool_calls=tool_calls,
    )


def read_usage(who: str, usage: Any) -> Usage:
    """Return the tokens a provider reports; cached ones never exceed the input they are part of."""
    if not isinstance(usage, dict):
        raise _malformed(who, "usage")
    input_tokens = _count(who, usage, "prompt_tokens")
    details = usage.get("prompt_tokens_details")
    cached = _count(who, details, "cached_tokens") if isinstance(details, dict) else 0
    if not cached and "prompt_cache_hit_tokens" in usage:
        cached = _count(who, usage, "prompt_cache_hit_tokens")
    return Usage(input_tokens, _count(who, usage, "completion_tokens"), min(cached, input_tokens), 1)


def read_finish(who: str, reason: Any) -> Finish:
    """Return why the reply ended; words of a provider's own count as a plain stop."""
    if not isinstance(reason, str):
        raise _malformed(who, "finish_reason")
    return _FINISH.get(reason, Finish.STOP)


def _parsed(who: str, payload: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(payload)
    except orjson.JSONDecodeError:
        raise MalformedStream(f"{who} sent what is not JSON") from None
    if not isinstance(found, dict):
        raise _malformed(who, "chunk")
    return found


def _first(who: str, choices: Any) -> dict[str, Any]:
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise _malformed(who, "choices")
    first: dict[str, Any] = choices[0]
    return first


def _tool_calls(who: str, found: Any) -> tuple[ToolCall, ...]:
    if not isinstance(found, list) or len(found) > MOST_TOOL_CALLS:
        raise _malformed(who, "tool_calls")
    calls = []
    for part in found:
        function = part.get("function") if isinstance(part, dict) else None
        if not isinstance(function, dict):
            raise _malformed(who, "function")
        arguments = _text_or_none(who, function, "arguments") or ""
        _check_arguments(who, arguments)
        name = _text_or_none(who, function, "name") or ""
        calls.append(ToolCall(_text_or_none(who, part, "id") or "", name, arguments))
    return tuple(calls)


def _check_arguments(who: str, arguments: str) -> None:
    if not arguments:
        return
    try:
        orjson.loads(arguments)
    except orjson.JSONDecodeError:
        raise MalformedStream(f"{who} sent tool-call arguments that are not JSON") from None


def _count(who: str, found: dict[str, Any], key: str) -> int:
    value = found.get(key)
    if value is None:
        return 0
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or value < 0:
        raise _malformed(who, key)
    return value


def _text_or_none(who: str, found: dict[str, Any], key: str) -> str | None:
    value = found.get(key)
    if value is not None and not isinstance(value, str):
        raise _malformed(who, key)
    return value


def _malformed(who: str, field: str) -> MalformedStream:
    return MalformedStream(f'{who} sent a completion whose "{field}" makes no sense')
