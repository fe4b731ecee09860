"""One way from any exception to what the caller reads: the OpenAI error envelope, never with details of a defect."""

from __future__ import annotations

import math

import orjson
import structlog
from starlette.exceptions import HTTPException

from core.errors import (
    ConclaveError,
    ConfigurationError,
    InternalError,
    InvalidRequest,
    MissingArtefact,
    NotFound,
    origin_of,
)

_log = structlog.get_logger(__name__)
_DEFECT = InternalError("something went wrong on our side; quote x-request-id when you report it")
_UNAUTHORIZED = 401

Headers = list[tuple[bytes, bytes]]
"""Response headers as ASGI wants them: lower-case names."""


class MethodNotAllowed(InvalidRequest):
    """Raised when a path exists but not for this method; the `allow` header names those it has."""

    code = "method_not_allowed"
    http_status = 405


def known(error: BaseException) -> ConclaveError:
    """Return what the caller may learn of `error`; anything unexpected is logged and becomes an `InternalError`."""
    if isinstance(error, ConclaveError):
        defect = isinstance(error, InternalError)
        # What is wrong with our configuration is for the operator's log, not for whoever asks.
        private = defect or (isinstance(error, ConfigurationError) and not isinstance(error, MissingArtefact))
        if private:
            _log.error("request.defect", code=error.error_code, kind=type(error).__name__, reason=error.message)
        return _DEFECT if private else error
    if isinstance(error, HTTPException):
        return _of_status(error.status_code)
    # Not its message nor its locals: what foreign exceptions say may quote the request.
    _log.error("request.defect", kind=type(error).__name__, at=origin_of(error))
    return _DEFECT


def body_of(error: ConclaveError) -> bytes:
    """Return the envelope as JSON bytes."""
    return orjson.dumps(
        {"error": {"message": error.message, "type": error.type, "param": error.param, "code": error.error_code}}
    )


def headers_of(error: ConclaveError) -> Headers:
    """Return the headers that go with the envelope: how long to wait, and whether trying again can help."""
    headers: Headers = [(b"content-type", b"application/json")]
    wait = error.retry_after_s if error.retry_after_s is not None else 1.0 if error.retryable else None
    if wait is not None and error.retryable:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(wait))))
        headers.append((b"retry-after-ms", b"%d" % max(1, math.ceil(wait * 1000))))
    headers.append((b"x-should-retry", b"true" if error.retryable else b"false"))
    if error.http_status == _UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
    return headers


def event_of(error: ConclaveError) -> bytes:
    """Return the envelope as a server-sent event, for a stream that has already begun."""
    return b"data: " + body_of(error) + b"\n\n"


def _of_status(status: int) -> ConclaveError:
    if status == 404:
        return NotFound("no such route; the routes are listed in /openapi.json", code="unknown_route")
    if status == 405:
        return MethodNotAllowed("this route does not take this method; see the allow header")
    return InvalidRequest("the request was refused") if status < 500 else _DEFECT
