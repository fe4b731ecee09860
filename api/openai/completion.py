"""The shapes of a chat completion, whole and in chunks, as an OpenAI client reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from core.ids import RunId
from core.messages import Json, ToolCall
from core.usage import Usage

DONE = b"data: [DONE]\n\n"

_Object = dict[str, object]


@dataclass(frozen=True, slots=True)
class Completion:
    """One completion under way: what all its chunks share. `with_usage` asks for the usage chunk at the end."""

    run_id: RunId
    model: str
    created: int
    fingerprint: str
    with_usage: bool = False

    def opening(self) -> bytes:
        """Return the first chunk, which says who speaks."""
        return self._chunk({"role": "assistant", "content": ""})

    def words(self, text: str) -> bytes:
        """Return a chunk with the next words."""
        return self._chunk({"content": text})

    def refusal(self, why: str) -> bytes:
        """Return a chunk with the reason why the expert would not answer."""
        return self._chunk({"refusal": why})

    def tool_call(self, index: int, call_id: str | None, name: str | None, arguments: str) -> bytes:
        """Return a chunk with the next part of a tool call; id and name only where they come."""
        function: _Object = {"arguments": arguments}
        call: _Object = {"index": index, "function": function}
        if call_id is not None:
            call |= {"id": call_id, "type": "function"}
        if name is not None:
            function["name"] = name
        return self._chunk({"tool_calls": [call]})

    def closing(self, finish: str, conclave: Mapping[str, Json] | None = None) -> bytes:
        """Return the chunk that says why the words ended; `conclave` comes with it when it was asked for."""
        return self._chunk({}, finish, {"conclave": conclave} if conclave is not None else None)

    def usage(self, usage: Usage, cost_usd: float) -> bytes:
        """Return the last chunk: no choices, and what it all took."""
        chunk = self._shell("chat.completion.chunk")
        chunk |= {
            "choices": [],
            "usage": usage_of(usage),
            "conclave": {"run_id": self.run_id, "cost_usd": cost_usd},
        }
        return _event(chunk)

    def whole(
        self,
        text: str,
        finish: str,
        usage: Usage,
        *,
        tool_calls: tuple[ToolCall, ...] = (),
        refusal: str | None = None,
        conclave: Mapping[str, Json] | None = None,
    ) -> bytes:
        """Return the completion in one piece."""
        message: _Object = {"role": "assistant", "content": text, "refusal": refusal}
        if refusal is not None or (tool_calls and not text):
            message["content"] = None
        if tool_calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
                for call in tool_calls
            ]
        body = self._shell("chat.completion")
        body["choices"] = [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}]
        body["usage"] = usage_of(usage)
        if conclave is not None:
            body["conclave"] = conclave
        return orjson.dumps(body)

    def _chunk(self, delta: _Object, finish: str | None = None, more: _Object | None = None) -> bytes:
        chunk = self._shell("chat.completion.chunk")
        chunk["choices"] = [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
        if self.with_usage:
            chunk["usage"] = None
        if more is not None:
            chunk |= more
        return _event(chunk)

    def _shell(self, kind: str) -> _Object:
        return {
            "id": f"chatcmpl-{self.run_id}",
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }


def usage_of(usage: Usage) -> _Object:
    """Return usage in the OpenAI shape."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.total_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
    }


def _event(chunk: _Object) -> bytes:
    return b"data: " + orjson.dumps(chunk) + b"\n\n"
