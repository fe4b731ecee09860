"""What llama.cpp streams is read as events; what it refuses is a typed failure."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workers.hosting.chunks import ChunkReader
from workers.hosting.engine import EngineEvent, Failed, Finished, Progress, Stopped, Text, ToolPart
from workers.hosting.wire import Cancel, Line, Loaded, Start, Unloadable, decode, encode


def fed(*chunks: dict[str, Any]) -> tuple[list[EngineEvent], Finished | Failed]:
    reader = ChunkReader()
    return [event for chunk in chunks for event in reader.feed(json.dumps(chunk))], reader.ending()


def delta(**said: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": None, "delta": said}]}


def test_text_and_usage_are_read_in_order() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 3}}
    finish = {"choices": [{"index": 0, "finish_reason": "stop", "delta": {}}]}

    events, ending = fed(
        delta(role="assistant", content=None), delta(content="4"), finish, {"choices": [], "usage": usage}
    )

    assert events == [Text("4")]
    assert ending == Finished("stop", 7, 2, 3)


def test_progress_of_the_prompt_is_a_sign_of_life() -> None:
    events, _ = fed({**delta(role="assistant", content=None), "prompt_progress": {"total": 100, "processed": 64}})

    assert events == [Progress()]


def test_tool_calls_come_in_parts() -> None:
    first = {"index": 0, "id": "c1", "type": "function", "function": {"name": "search", "arguments": ""}}
    second = {"index": 0, "function": {"arguments": '{"q"'}}

    events, _ = fed(delta(tool_calls=[first]), delta(tool_calls=[second]))

    assert events == [ToolPart(0, "c1", "search", ""), ToolPart(0, None, None, '{"q"')]


def test_log_probabilities_become_their_mean() -> None:
    said = {"index": 0, "finish_reason": "stop", "delta": {"content": "a"}}

    _, ending = fed({"choices": [{**said, "logprobs": {"content": [{"logprob": -1.0}, {"logprob": -3.0}]}}]})

    assert isinstance(ending, Finished)
    assert ending.mean_logprob == -2.0


def test_a_prompt_too_long_says_both_lengths() -> None:
    error = {"code": 400, "message": "too long", "type": "exceed_context_size_error", "n_prompt_tokens": 9, "n_ctx": 8}

    _, ending = fed({"error": error})

    assert ending == Failed(
        "context_length_exceeded", "the prompt has 9 tokens and the model's context holds 8", retryable=False
    )


def test_other_refusals_keep_their_kind() -> None:
    codes = [fed({"error": {"code": code, "message": "no"}})[1] for code in (400, 503, 500)]

    assert [getattr(ending, "code", "") for ending in codes] == ["invalid_request", "overloaded", "internal_error"]


def test_an_end_without_a_reason_is_a_failure() -> None:
    _, ending = fed(delta(content="a"))

    assert isinstance(ending, Failed)


_EVENTS = st.one_of(
    st.builds(Start, st.text()),
    st.just(Cancel()),
    st.builds(Loaded, st.integers(0)),
    st.builds(Unloadable, st.text()),
    st.builds(Text, st.text()),
    st.builds(ToolPart, st.integers(0, 9), st.none() | st.text(), st.none() | st.text(), st.text()),
    st.just(Progress()),
    st.builds(Finished, st.text(), st.integers(0), st.integers(0), st.integers(0), st.none() | st.just(-0.5)),
    st.builds(Failed, st.text(), st.text(), st.booleans()),
    st.just(Stopped()),
)


@given(generation=st.text(), line=_EVENTS)
def test_whatever_is_said_arrives_on_one_line(generation: str, line: Line) -> None:
    data = encode(generation, line)

    assert data.count(b"\n") == 1
    assert decode(data) == (generation, line)
