"""Completions read from an upstream: what they mean, and that no bytes whatever raise an untyped error."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ContextTooLong, MalformedStream, UpstreamError, UpstreamRateLimited, UpstreamRejected
from core.messages import Finish, FinishPiece, Piece, TextPiece, ToolCallPiece
from core.usage import Usage
from experts.remote.chunks import ChunkReader, read_completion
from experts.remote.sse import SseReader
from experts.scripted_upstream import wire

GOOD = wire.stream_at_once("ok", wire.words(12))
TOOLS = b"".join(
    [
        wire.chunk("t", {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x": '}}]}),
        wire.chunk("t", {"tool_calls": [{"index": 0, "function": {"arguments": '"Grüße"}'}}]}),
        wire.chunk("t", {}, "tool_calls"),
        wire.usage_chunk("t", 7),
        wire.DONE,
    ]
)


def read(stream: bytes) -> tuple[list[Piece], FinishPiece]:
    events, chunks = SseReader(), ChunkReader("it")
    pieces: list[Piece] = []
    for payload in [*events.feed(stream), *events.end()]:
        pieces.extend(chunks.read(payload))
        if chunks.done:
            break
    return pieces, chunks.finished()


def outcome(stream: bytes) -> str:
    """What reading gives: `ok`, or the code of a typed error. Anything untyped is raised."""
    try:
        read(stream)
    except UpstreamError as error:
        return error.error_code
    return "ok"


@pytest.mark.parametrize("stream", [GOOD, TOOLS])
def test_a_stream_cut_at_any_byte_is_whole_or_malformed(stream: bytes) -> None:
    outcomes = {outcome(stream[:end]) for end in range(len(stream))}

    assert outcomes <= {"ok", "malformed_stream"}


@pytest.mark.parametrize("stream", [GOOD, TOOLS])
@given(at=st.integers(0, 10_000), flip=st.integers(1, 255))
@settings(max_examples=500)
def test_a_stream_with_a_byte_flipped_never_raises_an_untyped_error(stream: bytes, at: int, flip: int) -> None:
    at %= len(stream)

    assert outcome(stream[:at] + bytes([stream[at] ^ flip]) + stream[at + 1 :])


KEYS = """choices delta content tool_calls index id function name arguments usage finish_reason error code status
message prompt_tokens prompt_tokens_details"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS.split()), inner, max_size=5),
    max_leaves=25,
)


@given(st.dictionaries(st.sampled_from(["choices", "usage", "error", "object"]), JSON))
@settings(max_examples=500)
def test_any_json_in_a_chunk_is_read_or_refused_with_a_typed_error(chunk: dict[str, object]) -> None:
    try:
        ChunkReader("it").take(chunk)
    except (UpstreamError, ContextTooLong):
        return


@given(st.binary(max_size=200) | JSON.map(lambda value: orjson.dumps(value)))
def test_any_bytes_as_a_whole_completion_are_read_or_refused_with_a_typed_error(body: bytes) -> None:
    try:
        read_completion("it", body)
    except (UpstreamError, ContextTooLong):
        return


def test_a_good_stream_gives_its_text_and_what_the_provider_counted() -> None:
    pieces, last = read(GOOD)

    assert pieces == [TextPiece(word) for word in wire.words(12)]
    assert last == FinishPiece(Finish.STOP, Usage(wire.INPUT_TOKENS, 12, 0, 1))


def test_cached_tokens_are_read_and_never_exceed_the_input() -> None:
    chunk = {"choices": [], "usage": {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}}}
    reader = ChunkReader("it")

    reader.take(chunk)

    assert reader.usage == Usage(5, 0, 5, 1)


def test_calls_that_are_all_numbered_zero_are_told_apart_by_their_ids() -> None:
    parts = [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]
    parts += [{"index": 0, "id": "b", "function": {"name": "g", "arguments": "{"}}]
    parts += [{"index": 0, "function": {"arguments": "}"}}]
    reader = ChunkReader("it")

    pieces = [piece for part in parts for piece in reader.take({"choices": [{"delta": {"tool_calls": [part]}}]})]

    assert [piece.index for piece in pieces if isinstance(piece, ToolCallPiece)] == [0, 1, 1]


def test_a_call_whose_arguments_break_off_is_malformed() -> None:
    with pytest.raises(MalformedStream, match="arguments"):
        read(TOOLS.replace(b'\\"}', b""))


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        ({"message": "slow down", "code": 429}, UpstreamRateLimited),
        ({"message": "slow down", "type": "rate_limit_error"}, UpstreamRateLimited),
        ({"message": "bad key", "code": "invalid_api_key"}, UpstreamRejected),
        ({"message": "maximum context length is 8"}, ContextTooLong),
        ({"message": "boom", "code": 500}, UpstreamError),
        ("boom", UpstreamError),
        (["boom"], UpstreamError),
    ],
)
def test_an_error_object_in_a_stream_becomes_the_error_it_names(found: object, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        ChunkReader("it").take({"error": found})
