"""The gate lets in one small, prompt, strictly parsed JSON object and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from api.gate import MAX_BODY_BYTES, Gate, parse
from core.errors import InvalidRequest, PayloadTooLarge, RequestTooSlow, UnsupportedMedia
from core.messages import Json

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUE = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))

FLAWED = {
    "empty": b"",
    "null": b"null",
    "list": b"[]",
    "text": b'"x"',
    "trailing comma": b'{"a":1,}',
    "two documents": b"{}{}",
    "byte order mark": b"\xef\xbb\xbf{}",
    "utf-16": '{"a":1}'.encode("utf-16"),
    "invalid utf-8": b'{"a":"\xff"}',
    "overlong": b'{"a":"\xc0\xaf"}',
    "surrogate in a value": b'{"a":"\\ud800"}',
    "surrogate in a name": b'{"\\ud800":1}',
    "raw NUL": b'{"a":"\0"}',
    "NUL": b'{"a":"\\u0000"}',
    "NUL in a name": b'{"a\\u0000":1}',
    "infinite": b'{"a":1e999}',
    "infinite word": b'{"a":Infinity}',
    "not a number": b'{"a":NaN}',
    "2^63": b'{"a":9223372036854775808}',
    "-2^63-1": b'{"a":-9223372036854775809}',
    "5000 digits": b'{"a":' + b"9" * 5000 + b"}",
    "depth 65": b'{"a":' + b"[" * 64 + b"]" * 64 + b"}",
    "depth 201": b'{"a":' + b"[" * 200 + b"]" * 200 + b"}",
    "depth 100k": b'{"a":' + b"[" * 100_000,
    "100k keys": json.dumps({str(n): n for n in range(100_000)}).encode()[:MAX_BODY_BYTES],
    "20k keys": json.dumps({str(n): n for n in range(20_000)}).encode(),
    "500k values": b'{"a":[' + b"1," * 500_000 + b"1]}",
    "same name twice": b'{"a":1,"a":2}',
    "same name twice, escaped": b'{"a":1,"\\u0061":2}',
    "same name twice, deep": b'{"x":[{"a: b":1,"a: b":2}]}',
    "comment": b'{"a":1}//',
    "single quotes": b"{'a':1}",
}


@given(st.dictionaries(TEXT, VALUE, max_size=5))
def test_every_plain_object_comes_through_unchanged(value: dict[str, Json]) -> None:
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


@pytest.mark.parametrize("body", FLAWED.values(), ids=FLAWED.keys())
def test_a_flawed_body_is_refused_without_an_echo(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(body)

    assert caught.value.error_code == "invalid_json"
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b'{"a":[0,{"b":"\\u0000"}]}', "/a/1/b"),
        (b'{"a":{"b":1,"b":2}}', "/a/b"),
        (b'{"a":[1e999]}', "/a/0"),
        (b'{"<b>secret</b>":[1e999]}', "/?/0"),
    ],
)
def test_a_refusal_points_at_the_place_by_plain_names_only(body: bytes, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse(body)

    assert caught.value.param == pointer


def test_a_colon_or_quote_inside_a_text_is_no_second_name() -> None:
    assert parse(b'{"a":"x:\\"y\\":z","b":"\\\\"}') == {"a": 'x:"y":z', "b": "\\"}


class Behind:
    """What stands behind the gate: remembers what was handed on."""

    def __init__(self) -> None:
        self.bodies: list[object] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.bodies.append(scope["state"]["body"])


async def pass_through(parts: Sequence[bytes], *headers: tuple[bytes, bytes], ends: bool = True) -> list[object]:
    messages: list[Message] = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if ends:
        messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> Message:
        return messages.pop(0) if messages else await asyncio.Future()

    async def send(message: Message) -> None:
        raise AssertionError(message)

    behind = Behind()
    sent = headers or ((b"content-type", b"application/json"),)
    scope: Scope = {"type": "http", "method": "POST", "path": "/", "headers": list(sent)}
    await Gate(behind, seconds_to_send=0.05)(scope, receive, send)
    return behind.bodies


async def test_a_body_in_parts_is_put_together_and_parsed_once() -> None:
    assert await pass_through([b'{"a"', b":1}"]) == [{"a": 1}]


async def test_a_body_that_never_ends_is_given_up() -> None:
    with pytest.raises(RequestTooSlow):
        await pass_through([b'{"a"'], ends=False)


async def test_bytes_are_counted_whatever_the_header_says() -> None:
    with pytest.raises(PayloadTooLarge):
        await pass_through([b" " * 65536] * 17, (b"content-type", b"application/json"), (b"content-length", b"5"))


async def test_too_large_a_content_length_is_refused_before_a_byte_is_read() -> None:
    with pytest.raises(PayloadTooLarge):
        await pass_through([], (b"content-type", b"application/json"), (b"content-length", b"1048577"), ends=False)


@pytest.mark.parametrize("media", [b"", b"text/plain", b"application/json; charset=utf-16", b"application/jsonx"])
async def test_anything_but_json_in_utf8_is_refused(media: bytes) -> None:
    with pytest.raises(UnsupportedMedia):
        await pass_through([b"{}"], (b"content-type", media))


@pytest.mark.parametrize("media", [b"application/json; charset=utf-8", b'Application/JSON;charset="UTF-8"'])
async def test_json_in_utf8_may_say_so(media: bytes) -> None:
    assert await pass_through([b"{}"], (b"content-type", media)) == [{}]


async def test_compressed_bodies_are_refused() -> None:
    with pytest.raises(UnsupportedMedia):
        await pass_through([b"x"], (b"content-type", b"application/json"), (b"content-encoding", b"gzip"))
