"""What a provider's refusal means: HTTP statuses and error objects, as our typed errors."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from core.errors import ConclaveError, ContextTooLong, UpstreamError, UpstreamRateLimited, UpstreamRejected
from experts.faults import BAD_REQUEST, NO_CREDIT, NOT_AUTHORISED, NOT_FOUND

LONGEST_RETRY_AFTER_S = 3600.0
QUOTA_EXHAUSTED_WAIT_S = 60.0
_SHOWN = 200

_TOO_LONG = re.compile(
    r"context[_ ](length|window|size)|maximum context|prompt is too long|too many (input )?tokens|input is too long",
    re.IGNORECASE,
)
# What providers write where a status would stand.
_STATUS_BY_WORD: Mapping[str, int] = {
    "authentication_error": 401,
    "invalid_api_key": 401,
    "insufficient_quota": 429,
    "invalid_request_error": 400,
    "model_not_found": 404,
    "not_found_error": 404,
    "overloaded_error": 529,
    "permission_error": 403,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "requests": 429,
    "tokens": 429,
}


def refusal(
    who: str, status: int, body: bytes, *, retry_after_s: float | None = None, secret: str = ""
) -> ConclaveError:
    """Return the error for an answer of `who` with an HTTP status other than 200."""
    return _typed(who, status, _told(body), retry_after_s, secret)


def error_object(who: str, found: Any, *, secret: str = "") -> ConclaveError:
    """Return the error for an error object that `who` sent in the place of a completion."""
    told = found if isinstance(found, Mapping) else {"message": str(found)}
    return _typed(who, _status_of(told), told, None, secret)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds a provider asks to wait (`retry-after-ms`, else `retry-after` in seconds or as a date)."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return min(max(milliseconds / 1000, 0.0), LONGEST_RETRY_AFTER_S)
    said = headers.get("retry-after")
    seconds = _number(said)
    if seconds is None and said:
        try:
            seconds = (parsedate_to_datetime(said) - now).total_seconds()
        except (TypeError, ValueError):
            return None
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)


def _typed(who: str, status: int, told: Mapping[str, Any], retry_after_s: float | None, secret: str) -> ConclaveError:
    words = f"{_text(told.get('code'))} {_text(told.get('type'))} {_text(told.get('message'))}"
    if status in (400, 413, 422) and _TOO_LONG.search(words):
        return ContextTooLong(f"{who}: the messages do not fit the model's context; shorten them", param="messages")
    if status == 429:
        if "insufficient_quota" in words:
            wait_s = QUOTA_EXHAUSTED_WAIT_S if retry_after_s is None else retry_after_s
            message = f"{who}: the account's quota is used up; add credit there"
            return UpstreamRateLimited(message, code="upstream_quota_exhausted", retry_after_s=wait_s)
        return UpstreamRateLimited(f"{who} is limiting our rate; wait and try again", retry_after_s=retry_after_s)
    if status in (401, 403):
        # Said without the provider's own words: they may repeat a part of the key.
        return UpstreamRejected(f"{who} refused our key (HTTP {status}); check it", code=NOT_AUTHORISED)
    if status == 402:
        return UpstreamRejected(f"{who}: the account has no credit left; add some there", code=NO_CREDIT)
    why = _shown(told, secret)
    if status == 404:
        return UpstreamRejected(f"{who} knows no such model or route{why}", code=NOT_FOUND)
    if 300 <= status < 400:
        return UpstreamRejected(f"{who} redirects (HTTP {status}), which is not followed; set its final endpoint")
    if 400 <= status < 500 and status not in (408, 409, 425):
        return UpstreamRejected(f"{who} refused the request (HTTP {status}){why}", code=BAD_REQUEST)
    return UpstreamError(f"{who} failed (HTTP {status}){why}", retry_after_s=retry_after_s)


def _told(body: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if isinstance(found, list) and found:
        found = found[0]
    if not isinstance(found, Mapping):
        return {}
    inner = found.get("error", found)
    return inner if isinstance(inner, Mapping) else {"message": str(inner)}


def _status_of(told: Mapping[str, Any]) -> int:
    for key in ("status", "code", "status_code"):
        number = _number(told.get(key))
        if number is not None and 400 <= number < 600:
            return int(number)
    for key in ("code", "type"):
        status = _STATUS_BY_WORD.get(_text(told.get(key)))
        if status is not None:
            return status
    return 400 if _TOO_LONG.search(_text(told.get("message"))) else 500


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _shown(told: Mapping[str, Any], secret: str) -> str:
    message = _text(told.get("message"))
    if not message or (secret and secret in message):
        return ""
    line = " ".join("".join(c if c.isprintable() else " " for c in message[: _SHOWN * 2]).split())
    return f": {line[:_SHOWN]}"
