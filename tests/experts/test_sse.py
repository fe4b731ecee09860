"""The reader of server-sent events: the same events however the bytes are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import MalformedStream
from experts.remote.sse import LONGEST_LINE, SseReader

STREAM = 'data: {"a": "Grüße 🌍"}\n\n: comment\nevent: x\ndata: two\ndata: lines\n\ndata:[DONE]\n\n'.encode()
EVENTS = ['{"a": "Grüße 🌍"}'.encode(), b"two\nlines", b"[DONE]"]


def read(chunks: list[bytes]) -> list[bytes]:
    reader = SseReader()
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return events + reader.end()


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(place % len(stream) for place in places)})
    return [stream[start:end] for start, end in pairwise(edges)]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
@given(places=st.lists(st.integers(0, 1000), max_size=30))
def test_events_do_not_depend_on_where_the_bytes_are_cut(ending: bytes, places: list[int]) -> None:
    stream = STREAM.replace(b"\n", ending)

    assert read(cut(stream, places)) == EVENTS


def test_a_stream_byte_by_byte_is_read_like_a_whole_one() -> None:
    assert read([STREAM[at : at + 1] for at in range(len(STREAM))]) == EVENTS


def test_a_byte_order_mark_is_passed_over() -> None:
    assert read([b"\xef", b"\xbb\xbfdata: x\n\n"]) == [b"x"]


def test_an_event_without_its_blank_line_counts_at_the_end() -> None:
    assert read([b"data: one\n\ndata: [DONE]"]) == [b"one", b"[DONE]"]


@pytest.mark.parametrize("piece", [b"x" * 4096, b"\ndata: " + b"y" * 4090])
def test_a_line_or_event_that_never_ends_is_refused_before_it_fills_the_memory(piece: bytes) -> None:
    reader = SseReader()
    reader.feed(b"data: ")

    with pytest.raises(MalformedStream):
        _ = [reader.feed(piece) for _ in range(2 * LONGEST_LINE // len(piece))]


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_any_bytes_give_events_or_nothing_and_never_an_untyped_error(chunks: list[bytes]) -> None:
    assert all(isinstance(event, bytes) for event in read(chunks))
