"""The gate lets in one small, prompt, strictly parsed JSON object and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from api.gate import Gate, parse
from core.errors import InvalidRequest, PayloadTooLarge, RequestTooSlow, UnsupportedMedia
from core.messages import Json
from tests.api.corpus import FLAWED

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUE = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))


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


@pytest.mark.parametrize("key", [b"", b"k" * 256, b"k" * 10_240, b"\xe9"], ids=["empty", "long", "10 KB", "not ASCII"])
async def test_an_idempotency_key_that_could_not_be_kept_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidRequest):
        await pass_through([b"{}"], (b"content-type", b"application/json"), (b"idempotency-key", key))
