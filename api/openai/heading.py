"""What stands above an answer: the headers that say which run it was, who was asked and what it cost."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from api.errors import Headers
from api.front import CALLER_LEFT
from core.ids import ExpertName, RunId
from core.money import to_usd

_LONGEST: Final = 1_000


def head_of(run_id: RunId, experts: tuple[ExpertName, ...], why: str = "") -> Headers:
    """Return the headers known before the first word: who was asked, each once, and `why` the first of them was."""
    headers = [
        (b"x-conclave-run-id", run_id.encode()),
        (b"x-conclave-experts", _told(",".join(dict.fromkeys(experts)))),
    ]
    return [*headers, (b"x-conclave-why", _told(why))] if why else headers


def cost_header(micros: int) -> tuple[bytes, bytes]:
    """Return the header with the answer's cost in dollars, to the micro-dollar."""
    return (b"x-conclave-cost-usd", b"%.6f" % to_usd(micros))


def _told(text: str) -> bytes:
    """Return text as a header may hold it: printable ASCII in one line, and no long one."""
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in text)[:_LONGEST].encode()


def whole(body: bytes, headers: Headers) -> Response:
    """Return a JSON answer with `headers`."""
    response = Response(body, media_type="application/json")
    response.raw_headers.extend(headers)
    return response


def caller_left() -> Response:
    """Return the answer to nobody, so that it is counted as such."""
    return Response(status_code=CALLER_LEFT)
