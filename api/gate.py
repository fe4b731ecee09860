"""The input gate: what gets past it is one small, prompt, strictly parsed JSON object, parsed once.

An order of the admin routes may come without a body, which is an empty object.
Refusals never echo the input: they name the place by a JSON pointer made of plain names and numbers.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Final, cast

from pydantic_core import from_json
from starlette.types import ASGIApp, Receive, Scope, Send

from core.errors import InvalidRequest, PayloadTooLarge, RequestTooSlow, UnsupportedMedia
from core.messages import Json

MAX_BODY_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 64
MAX_KEYS: Final = 10_000
MAX_VALUES: Final = 100_000
SECONDS_TO_SEND: Final = 10.0

_INT64 = 2**63
_LONGEST_POINTER = 160
_JSON_TYPE = re.compile(rb"application/json\s*(;\s*charset=\"?utf-8\"?\s*)?", re.IGNORECASE)
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_STRING = re.compile(rb'"(?:[^"\\]+|\\.)*"')
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_MAY_SAY_NOTHING = "/v1/admin/"


class Gate:
    """ASGI middleware: hands the parsed body on as `scope["state"]["body"]`; raises an `InvalidRequest` otherwise."""

    def __init__(self, app: ASGIApp, *, seconds_to_send: float = SECONDS_TO_SEND) -> None:
        """Stand in front of `app`; a body must have arrived after `seconds_to_send`."""
        self._app = app
        self._seconds = seconds_to_send

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or raise."""
        if scope["type"] == "http" and scope["method"] in _WITH_BODY:
            scope.setdefault("state", {})["body"] = await self._body(scope, receive)
        await self._app(scope, receive, send)

    async def _body(self, scope: Scope, receive: Receive) -> dict[str, Json]:
        if scope["path"].startswith(_MAY_SAY_NOTHING) and _says_nothing(scope):
            return {}
        _check_headers(scope)
        return parse(await self._read(receive))

    async def _read(self, receive: Receive) -> bytes:
        try:
            async with asyncio.timeout(self._seconds):
                return await _collect(receive)
        except TimeoutError:
            raise RequestTooSlow(f"the body did not arrive within {self._seconds:g} seconds; send it at once") from None


def parse(body: bytes) -> dict[str, Json]:
    """Return the object in `body`; raises `InvalidRequest` with a JSON pointer for anything that is not plain JSON."""
    try:
        value = from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError:
        raise InvalidRequest("the body is not valid JSON in UTF-8", code="invalid_json") from None
    if type(value) is not dict:
        raise InvalidRequest("the body must be a JSON object", code="invalid_json")
    tally = _Tally(look_for_nul=b"\\u0000" in body)
    try:
        tally.walk(value, 1)
        if tally.keys != body.count(b":") and tally.keys != _STRING.sub(b"", body).count(b":"):
            tally.walk(_with_duplicates_marked(body), 1)
    except _Flaw as flaw:
        place = "".join(f"/{_shown(step)}" for step in reversed(flaw.steps))[:_LONGEST_POINTER] or "/"
        raise InvalidRequest(f"{place}: {flaw.what}", param=place, code="invalid_json") from None
    return value


class _Flaw(Exception):
    """Something strict JSON does not allow; `steps` lead to it, innermost first."""

    def __init__(self, what: str, *steps: str | int) -> None:
        super().__init__(what)
        self.what = what
        self.steps: list[str | int] = list(steps)


class _Tally:
    """One walk over a parsed body: counts keys and values, and stops at the first flaw."""

    def __init__(self, *, look_for_nul: bool) -> None:
        self.keys = 0
        self.values = 0
        self._nul = look_for_nul

    def walk(self, value: object, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise _Flaw(f"nested deeper than {MAX_DEPTH}")
        if isinstance(value, dict):
            self.keys += len(value)
            if self.keys > MAX_KEYS:
                raise _Flaw(f"more than {MAX_KEYS} keys")
            for name, item in value.items():
                if self._nul and "\0" in name:
                    raise _Flaw("a NUL character in a name")
                self._visit(item, depth, name)
        else:
            items = cast("list[object]", value)
            self.values += len(items)
            if self.values > MAX_VALUES:
                raise _Flaw(f"more than {MAX_VALUES} values")
            for index, item in enumerate(items):
                self._visit(item, depth, index)

    def _visit(self, item: object, depth: int, step: str | int) -> None:
        kind = type(item)
        if kind is str:
            if self._nul and "\0" in cast("str", item):
                raise _Flaw("a NUL character", step)
        elif kind is dict or kind is list:
            try:
                self.walk(item, depth + 1)
            except _Flaw as flaw:
                flaw.steps.append(step)
                raise
        elif kind is int:
            if not -_INT64 <= cast("int", item) < _INT64:
                raise _Flaw("a whole number beyond 64 bits", step)
        elif kind is float:
            if math.isinf(cast("float", item)):
                raise _Flaw("a number too large", step)
        elif kind is _Duplicate:
            raise _Flaw("the same name twice", step)


class _Duplicate:
    """Stands in for the value of a name that an object has twice."""


def _with_duplicates_marked(body: bytes) -> dict[str, Json]:
    """Parse again, slowly, with a mark where a name is repeated; only for bodies whose keys do not add up."""

    def marked(pairs: Sequence[tuple[str, object]]) -> Mapping[str, object]:
        found: dict[str, object] = {}
        for name, item in pairs:
            found[name] = _Duplicate() if name in found else item
        return found

    return cast("dict[str, Json]", json.loads(body, object_pairs_hook=marked))


async def _collect(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise InvalidRequest("the connection closed before the body was complete", code="incomplete_body")
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        if not message.get("more_body", False):
            return part if not parts else b"".join([*parts, part])
        parts.append(part)


def _says_nothing(scope: Scope) -> bool:
    """Whether the request has no body: neither a length nor an encoding announces one."""
    headers = dict(scope["headers"])
    return headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers


def _check_headers(scope: Scope) -> None:
    media = b""
    for name, value in scope["headers"]:
        if name == b"content-type":
            media = value
        elif name == b"content-length":
            if not value.isdigit():
                raise InvalidRequest("content-length must be a number of bytes")
            if len(value) > 12 or int(value) > MAX_BODY_BYTES:
                raise _too_large()
        elif name == b"content-encoding" and value.lower() != b"identity":
            raise UnsupportedMedia("send the body without a content-encoding", param="content-encoding")
        elif name == b"idempotency-key" and not (0 < len(value) <= 255 and value.isascii()):
            raise InvalidRequest("idempotency-key must be 1 to 255 characters", param="idempotency-key")
    if media != b"application/json" and not _JSON_TYPE.fullmatch(media):
        raise UnsupportedMedia("send the body as application/json in UTF-8", param="content-type")


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(f"the body is larger than {MAX_BODY_BYTES} bytes; send less")


def _shown(step: str | int) -> str:
    return str(step) if isinstance(step, int) or _PLAIN_NAME.fullmatch(step) else "?"
