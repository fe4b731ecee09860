"""A call in the shape of an OpenAI chat-completion request, as plain JSON values."""

from __future__ import annotations

from typing import Any

from core.calls import Call
from core.messages import Message, ResponseFormat, Role, Sampling, ToolSpec

Body = dict[str, Any]


def chat_body(model: str, call: Call, *, developer: bool = False, max_tokens_key: str = "max_tokens") -> Body:
    """Return the request for `model`; without `developer`, developer messages become system ones, which all know."""
    body: Body = {"model": model, "messages": [_message(message, developer) for message in call.messages]}
    _sampling(body, call.sampling, max_tokens_key)
    if call.response_format.kind != "text":
        body["response_format"] = _response_format(call.response_format)
    if call.tools:
        body["tools"] = [_tool(tool) for tool in call.tools]
        if call.tool_choice is not None:
            body["tool_choice"] = call.tool_choice
    return body


def _message(message: Message, developer: bool) -> Body:
    role = message.role
    if role is Role.DEVELOPER and not developer:
        role = Role.SYSTEM
    said: Body = {"role": role.value, "content": _content(message) if message.images else message.text}
    if message.tool_calls:
        said["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
        said["content"] = message.text or None
    if message.tool_call_id is not None:
        said["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        said["name"] = message.name
    return said


def _content(message: Message) -> list[Body]:
    images: list[Body] = [{"type": "image_url", "image_url": {"url": image.url}} for image in message.images]
    return [{"type": "text", "text": message.text}, *images] if message.text else images


def _sampling(body: Body, sampling: Sampling, max_tokens_key: str) -> None:
    if sampling.max_tokens is not None:
        body[max_tokens_key] = sampling.max_tokens
    if sampling.temperature is not None:
        body["temperature"] = sampling.temperature
    if sampling.top_p is not None:
        body["top_p"] = sampling.top_p
    if sampling.stop:
        body["stop"] = list(sampling.stop)
    if sampling.seed is not None:
        body["seed"] = sampling.seed
    if sampling.frequency_penalty is not None:
        body["frequency_penalty"] = sampling.frequency_penalty
    if sampling.presence_penalty is not None:
        body["presence_penalty"] = sampling.presence_penalty


def _response_format(wanted: ResponseFormat) -> Body:
    if wanted.kind == "json_object":
        return {"type": "json_object"}
    schema = {"name": wanted.name, "schema": wanted.schema or {}, "strict": wanted.strict}
    return {"type": "json_schema", "json_schema": schema}


def _tool(tool: ToolSpec) -> Body:
    function: Body = {"name": tool.name, "parameters": tool.parameters}
    if tool.description:
        function["description"] = tool.description
    return {"type": "function", "function": function}
