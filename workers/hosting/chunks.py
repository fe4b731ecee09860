"""Reads what llama.cpp streams for one chat completion: OpenAI chunks, prompt progress, errors."""

from __future__ import annotations

import json
from typing import Any

from core.errors import ContextTooLong, InternalError, InvalidRequest, Overloaded
from workers.hosting.engine import EngineEvent, Failed, Finished, Progress, Text, ToolPart

_SAID = 300
"""Characters of the engine's own words that are passed on."""


class ChunkReader:
    """Follows one reply; feed it every chunk, then ask for the ending."""

    def __init__(self) -> None:
        """Begin before the first chunk."""
        self._finish: str | None = None
        self._usage: dict[str, Any] = {}
        self._failed: Failed | None = None
        self._logprobs: list[float] = []

    def feed(self, chunk: str) -> list[EngineEvent]:
        """Return what a chunk brings."""
        data = json.loads(chunk)
        if "error" in data:
            self._failed = _failure(data["error"])
            return []
        self._usage = data.get("usage") or self._usage
        if "prompt_progress" in data:
            return [Progress()]
        events: list[EngineEvent] = []
        for choice in data.get("choices", ()):
            self._finish = choice.get("finish_reason") or self._finish
            self._logprobs += [token["logprob"] for token in (choice.get("logprobs") or {}).get("content") or ()]
            events += _said(choice.get("delta") or {})
        return events

    def ending(self) -> Finished | Failed:
        """Return how it ended, once the engine has nothing more to say."""
        if self._failed is not None:
            return self._failed
        if self._finish is None:
            return Failed(InternalError.code, "the engine ended without saying why", retryable=True)
        return Finished(
            self._finish,
            self._usage.get("prompt_tokens", 0),
            self._usage.get("completion_tokens", 0),
            (self._usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0),
            sum(self._logprobs) / len(self._logprobs) if self._logprobs else None,
        )


def _said(delta: dict[str, Any]) -> list[EngineEvent]:
    events: list[EngineEvent] = [Text(delta["content"])] if delta.get("content") else []
    for part in delta.get("tool_calls") or ():
        function = part.get("function") or {}
        events.append(
            ToolPart(part.get("index", 0), part.get("id"), function.get("name"), function.get("arguments") or "")
        )
    return events


def _failure(error: dict[str, Any]) -> Failed:
    said = str(error.get("message", ""))[:_SAID]
    if error.get("type") == "exceed_context_size_error":
        asked, room = error.get("n_prompt_tokens"), error.get("n_ctx")
        return Failed(
            ContextTooLong.code, f"the prompt has {asked} tokens and the model's context holds {room}", retryable=False
        )
    if error.get("code") == InvalidRequest.http_status:
        return Failed(InvalidRequest.code, f"the engine refused the request: {said}", retryable=False)
    if error.get("code") == Overloaded.http_status:
        return Failed(Overloaded.code, f"the engine cannot serve now: {said}", retryable=True)
    return Failed(InternalError.code, f"the engine failed: {said}", retryable=True)
