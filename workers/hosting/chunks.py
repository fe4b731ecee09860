"""Reads what an OpenAI-compatible engine streams for one chat completion, in the dialects of several of them.

llama.cpp tells how far it has read the prompt; some servers think aloud, count nothing, or end with `abort`.
"""

from __future__ import annotations

import json
from typing import Any

from core.errors import InternalError
from workers.hosting.engine import EngineEvent, Failed, Finished, Progress, Text, ToolPart
from workers.hosting.refusals import failure_of

_FINISHES = {"stop", "length", "tool_calls", "content_filter"}
_OLD_FINISHES = {"function_call": "tool_calls"}
_THOUGHTS = ("reasoning_content", "reasoning")


class ChunkReader:
    """Follows one reply; feed it every chunk, then ask for the ending."""

    def __init__(self) -> None:
        """Begin before the first chunk."""
        self._finish: str | None = None
        self._usage: dict[str, Any] = {}
        self._failed: Failed | None = None
        self._logprobs: list[float] = []
        self._parts = 0

    def feed(self, chunk: str | bytes) -> list[EngineEvent]:
        """Return what a chunk brings; raises `ValueError` when it is not the JSON of a chunk."""
        data = json.loads(chunk)
        if not isinstance(data, dict):
            raise ValueError("a chunk is an object")
        if data.get("error"):
            self._failed = failure_of(data["error"])
            return []
        self._usage = data.get("usage") or self._usage
        if "prompt_progress" in data:
            return [Progress()]
        events: list[EngineEvent] = []
        for choice in data.get("choices") or ():
            self._finish = choice.get("finish_reason") or self._finish
            self._logprobs += [token["logprob"] for token in (choice.get("logprobs") or {}).get("content") or ()]
            # A server that does not stream answers with a whole message.
            events += _said(choice.get("delta") or choice.get("message") or {})
        self._parts += any(not isinstance(event, Progress) for event in events)
        return events

    def ending(self) -> Finished | Failed:
        """Return how it ended, once the engine has nothing more to say.

        An engine that does not count its tokens is taken to have sent one in each part, and to have read none.
        """
        if self._failed is not None:
            return self._failed
        if self._finish is None:
            return Failed(InternalError.code, "the engine ended without saying why", retryable=True)
        finish = _OLD_FINISHES.get(self._finish, self._finish)
        if finish not in _FINISHES:
            return Failed(InternalError.code, f"the engine gave up: {finish[:40]}", retryable=True)
        return Finished(
            finish,
            self._usage.get("prompt_tokens") or 0,
            self._usage.get("completion_tokens") or (0 if self._usage else self._parts),
            (self._usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0,
            sum(self._logprobs) / len(self._logprobs) if self._logprobs else None,
        )


def _said(delta: dict[str, Any]) -> list[EngineEvent]:
    events: list[EngineEvent] = [Text(delta["content"])] if delta.get("content") else []
    for part in delta.get("tool_calls") or ():
        function = part.get("function") or {}
        events.append(
            ToolPart(part.get("index", 0), part.get("id"), function.get("name"), function.get("arguments") or "")
        )
    if not events and any(delta.get(thought) for thought in _THOUGHTS):
        return [Progress()]
    return events
