"""What stands above an answer: the headers that say which run it was, who was asked and what it cost."""

from __future__ import annotations

from starlette.responses import Response

from api.errors import Headers
from api.front import CALLER_LEFT
from core.ids import ExpertName, RunId
from core.money import to_usd


def head_of(run_id: RunId, experts: tuple[ExpertName, ...]) -> Headers:
    """Return the headers known before the first word; an expert in several seats is named once."""
    names = ",".join(dict.fromkeys(experts))
    return [(b"x-conclave-run-id", run_id.encode()), (b"x-conclave-experts", names.encode("ascii", "replace"))]


def cost_header(micros: int) -> tuple[bytes, bytes]:
    """Return the header with the answer's cost in dollars, to the micro-dollar."""
    return (b"x-conclave-cost-usd", b"%.6f" % to_usd(micros))


def whole(body: bytes, headers: Headers) -> Response:
    """Return a JSON answer with `headers`."""
    response = Response(body, media_type="application/json")
    response.raw_headers.extend(headers)
    return response


def caller_left() -> Response:
    """Return the answer to nobody, so that it is counted as such."""
    return Response(status_code=CALLER_LEFT)
