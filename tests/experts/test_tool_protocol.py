"""Tool calls by schema: what an engine is asked, and what its JSON is read as."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from core.calls import Call
from core.clock import SystemClock
from core.ids import UlidSource
from core.messages import (
    Finish,
    FinishPiece,
    Message,
    Piece,
    ResponseFormat,
    Role,
    TextPiece,
    ToolCall,
    ToolCallPiece,
    ToolSpec,
)
from core.usage import Usage
from experts.tool_protocol import ProtocolReader, by_schema, offers_tools
from tests.experts.room import call

SEARCH = ToolSpec("search", "Looks it up", {"type": "object", "properties": {"query": {"type": "string"}}})
NODE = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}, "required": ["next"]}
WALK = ToolSpec(
    "walk", "", {"type": "object", "properties": {"to": {"$ref": "#/$defs/node"}}, "$defs": {"node": {"type": "null"}}}
)
NAMED = {"type": "function", "function": {"name": "walk"}}


def asked(choice: Any = None, **fields: Any) -> Call:
    return by_schema(call("it", tools=(SEARCH, WALK), tool_choice=choice, **fields))


def allows(bound: Call, reply: Any) -> bool:
    return bool(Draft202012Validator(bound.response_format.schema or {}).is_valid(reply))


def read(text: str, finish: Finish = Finish.STOP, cuts: Sequence[int] = ()) -> list[Piece]:
    """The pieces read of a raw reply that comes cut at these places; text that says nothing left out."""
    reader = ProtocolReader(UlidSource(SystemClock()))
    edges = [0, *sorted(cuts), len(text)]
    raw: list[Piece] = [TextPiece(text[start:end]) for start, end in itertools.pairwise(edges)]
    pieces = [piece for part in [*raw, FinishPiece(finish, Usage(1, 1))] for piece in reader.read(part)]
    return [piece for piece in pieces if piece != TextPiece("")]


def test_the_engine_is_told_of_the_tools_and_bound_to_call_one_or_answer() -> None:
    bound = asked(messages=(Message(Role.SYSTEM, "Be brief."), Message(Role.USER, "Who?")))

    assert (bound.tools, bound.tool_choice) == ((), None)
    assert [message.role for message in bound.messages] == [Role.SYSTEM, Role.USER]
    assert all(text in bound.messages[0].text for text in ("Be brief.", '"search"', "Looks it up"))
    assert allows(bound, {"name": "search", "arguments": {"query": "owls"}})
    assert allows(bound, {"answer": "Nobody."})
    assert not allows(bound, {"name": "guess", "arguments": {}})


@pytest.mark.parametrize(("choice", "search"), [("required", True), (NAMED, False)])
def test_a_tool_choice_is_enforced(choice: Any, search: bool) -> None:
    bound = asked(choice)

    assert not allows(bound, {"answer": "Nobody."})
    assert allows(bound, {"name": "search", "arguments": {"query": "owls"}}) is search
    assert allows(bound, {"name": "walk", "arguments": {"to": None}})


def test_tools_that_may_not_be_called_are_not_told_of() -> None:
    forbidden = call("it", tools=(SEARCH,), tool_choice="none")

    assert not offers_tools(forbidden)
    assert by_schema(forbidden).tools == ()
    assert by_schema(forbidden).messages == forbidden.messages


def test_a_schema_that_refers_to_itself_still_does_where_it_stands_now() -> None:
    bound = asked()

    assert allows(bound, {"name": "walk", "arguments": {"to": None}})
    assert not allows(bound, {"name": "walk", "arguments": {"to": 3}})


def test_the_shape_an_answer_must_have_still_binds_it() -> None:
    shape = ResponseFormat("json_schema", "n", {"type": "object", "properties": {"n": {"type": "integer"}}})

    bound = asked(response_format=shape)

    assert allows(bound, {"answer": {"n": 3}})
    assert not allows(bound, {"answer": {"n": "three"}})
    assert read('{"answer": {"n": 3}}')[0] == TextPiece('{"n":3}')


def test_what_was_called_and_said_before_is_shown_in_the_same_words() -> None:
    before = Message(Role.ASSISTANT, tool_calls=(ToolCall("c", "search", '{"query": "owls"}'),))

    bound = asked(messages=(Message(Role.USER, "Who?"), before, Message(Role.TOOL, "Owls.", tool_call_id="c")))

    assert json.loads(bound.messages[2].text) == {"name": "search", "arguments": {"query": "owls"}}
    assert bound.messages[3].text == "Owls."


def test_a_tool_call_comes_whole_at_the_end() -> None:
    called, last = read('{"name": "search", "arguments": {"query": "owls"}}', cuts=(5, 30))

    assert isinstance(called, ToolCallPiece)
    assert (called.name, called.arguments) == ("search", '{"query":"owls"}')
    assert isinstance(last, FinishPiece)
    assert last.finish is Finish.TOOL_CALLS


@given(st.text(), st.data())
def test_an_answer_streams_on_whatever_it_says_and_wherever_it_is_cut(answer: str, data: st.DataObject) -> None:
    raw = json.dumps({"answer": answer})
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=6))

    *said, last = read(raw, cuts=cuts)

    assert "".join(piece.text for piece in said if isinstance(piece, TextPiece)) == answer
    assert last == FinishPiece(Finish.STOP, Usage(1, 1))


def test_an_answer_cut_short_keeps_its_words_and_a_call_cut_short_is_not_made() -> None:
    assert read('{"answer": "Owls are', Finish.LENGTH)[0] == TextPiece("Owls are")
    (last,) = read('{"name": "search", "arguments": {"query": "ow', Finish.LENGTH)

    assert isinstance(last, FinishPiece)
    assert last.finish is Finish.LENGTH


def test_words_that_are_no_json_are_shown_rather_than_lost() -> None:
    assert read("I would rather not.")[0] == TextPiece("I would rather not.")
