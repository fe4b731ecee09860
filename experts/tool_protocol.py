"""Tool calls on an engine that does not keep to a tool choice: told in words, bound by a schema, and read back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import orjson
from pydantic_core import from_json

from core.calls import Call
from core.ids import IdSource
from core.messages import (
    Finish,
    FinishPiece,
    Json,
    Message,
    Piece,
    ResponseFormat,
    Role,
    TextPiece,
    ToolCallPiece,
    ToolSpec,
)
from experts.briefing import under_persona

_NEEDED = 'Reply with one JSON object, {"name": ..., "arguments": {...}}, that calls the tool that is needed.'
_WANTED = (
    'Reply with one JSON object: {"name": ..., "arguments": {...}} to call the tool that is needed, '
    'or {"answer": ...} once no tool is needed.'
)


def offers_tools(call: Call) -> bool:
    """Whether the expert may call a tool, so that the reply has to be read by a `ProtocolReader`."""
    return bool(call.tools) and call.tool_choice != "none"


def by_schema(call: Call) -> Call:
    """Return the call without tools, its system message telling of them and its reply bound to a tool call or answer.

    Tools that may not be called are not told of.
    """
    if not offers_tools(call):
        return replace(call, tools=(), tool_choice=None) if call.tools else call
    must, tools = _chosen(call)
    shapes = [_tool_call(tool.name, tool.parameters or {"type": "object"}, index) for index, tool in enumerate(tools)]
    if not must:
        shapes.append(_answer(call.response_format, len(shapes)))
    schema: dict[str, Json] = {
        "anyOf": [{"$ref": _place(index)} for index in range(len(shapes))],
        "$defs": {_name(index): shape for index, shape in enumerate(shapes)},
    }
    told = [
        orjson.dumps({"name": tool.name, "description": tool.description, "parameters": tool.parameters}).decode()
        for tool in tools
    ]
    system = "\n".join(["You can call these tools:", *told, _NEEDED if must else _WANTED])
    said = tuple(_as_protocol(message) for message in call.messages)
    return replace(
        call,
        messages=under_persona(system, said),
        response_format=ResponseFormat("json_schema", "reply", schema),
        tools=(),
        tool_choice=None,
    )


class ProtocolReader:
    """Reads one reply to a call made `by_schema`: an answer streams on as text, a tool call comes whole at the end."""

    def __init__(self, ids: IdSource) -> None:
        """Name tool calls by `ids`."""
        self._ids = ids
        self._raw = ""
        self._shown = 0

    def read(self, piece: Piece) -> Iterator[Piece]:
        """Yield what a piece of the raw reply brings; empty text where it brings nothing to show yet."""
        if isinstance(piece, TextPiece):
            self._raw += piece.text
            yield TextPiece(self._news(self._reply().get("answer")))
        elif isinstance(piece, FinishPiece):
            yield from self._end(piece)
        else:
            yield piece

    def _end(self, last: FinishPiece) -> Iterator[Piece]:
        reply = self._reply()
        if "name" in reply and last.finish is Finish.STOP:
            arguments = orjson.dumps(reply.get("arguments", {})).decode()
            yield ToolCallPiece(0, f"call_{self._ids.new()}", str(reply["name"]), arguments)
            last = replace(last, finish=Finish.TOOL_CALLS)
        elif "answer" in reply and not isinstance(reply["answer"], str):
            yield TextPiece(orjson.dumps(reply["answer"]).decode())
        elif not reply and self._raw:
            # Not what was asked for, which a schema should make impossible: better shown than lost.
            yield TextPiece(self._raw)
        yield last

    def _news(self, answer: object) -> str:
        if not isinstance(answer, str):
            return ""
        news, self._shown = answer[self._shown :], max(self._shown, len(answer))
        return news

    def _reply(self) -> Mapping[str, object]:
        try:
            reply = from_json(self._raw, allow_partial="trailing-strings")
        except ValueError:
            return {}
        return reply if isinstance(reply, dict) else {}


def _chosen(call: Call) -> tuple[bool, Sequence[ToolSpec]]:
    choice = call.tool_choice
    if isinstance(choice, Mapping):
        function = choice.get("function")
        name = function.get("name") if isinstance(function, Mapping) else None
        return True, [tool for tool in call.tools if tool.name == name]
    return choice == "required", call.tools


def _as_protocol(message: Message) -> Message:
    """Return an assistant's message as it would have said it here, so that the model sees one way of speaking."""
    if message.role is not Role.ASSISTANT:
        return message
    said = [
        f'{{"name": {orjson.dumps(call.name).decode()}, "arguments": {call.arguments}}}' for call in message.tool_calls
    ]
    if message.text or not said:
        said.insert(0, orjson.dumps({"answer": message.text}).decode())
    return Message(Role.ASSISTANT, "\n".join(said), name=message.name)


def _tool_call(name: str, parameters: Mapping[str, Json], index: int) -> dict[str, Json]:
    return _object({"name": {"const": name}, "arguments": _moved(parameters, f"{_place(index)}/properties/arguments")})


def _answer(wanted: ResponseFormat, index: int) -> dict[str, Json]:
    if wanted.kind == "text":
        return _object({"answer": {"type": "string"}})
    return _object({"answer": _moved(wanted.schema or {"type": "object"}, f"{_place(index)}/properties/answer")})


def _object(properties: dict[str, Json]) -> dict[str, Json]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _moved(schema: Json, place: str) -> Json:
    """Return a schema that now stands at `place` of another, with the references into itself that still find home."""
    if isinstance(schema, Mapping):
        return {
            name: f"{place}{value.removeprefix('#')}"
            if name == "$ref" and isinstance(value, str)
            else _moved(value, place)
            for name, value in schema.items()
        }
    if isinstance(schema, Sequence) and not isinstance(schema, str):
        return [_moved(item, place) for item in schema]
    return schema


def _name(index: int) -> str:
    return f"reply{index}"


def _place(index: int) -> str:
    return f"#/$defs/{_name(index)}"
