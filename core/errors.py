"""Every error a caller can meet, with its code, HTTP status, whether trying again can help, and what to do.

ConclaveError
├── InvalidRequest              400  the request is not well formed or asks for what cannot be
│   ├── ContextTooLong          400  the messages do not fit the expert's context
│   ├── PayloadTooLarge         413  the body is larger than the gate lets in
│   ├── UnsupportedMedia        415  the body is not plain JSON
│   ├── RequestTooSlow          408  the body did not arrive in time
│   └── Unprocessable           422  well formed, but a field's value makes no sense
├── NotAuthenticated            401  no key, or one that is unknown, revoked or expired
├── NotPermitted                403  the key may not do this
├── NotFound                    404  no such pool, expert, strategy, run or route; with near names
├── Conflict                    409  the state does not allow it
├── BudgetExceeded              402  the budget cannot cover the worst case; nothing was spent
├── RateLimited                 429  too many requests at once or a minute
├── Overloaded                  503  queues are full or nobody can serve now
│   ├── Unavailable             503  a store or broker cannot be reached
│   └── HostLost                503  the host serving the answer died
├── UpstreamError               502  a provider failed or said something malformed
│   ├── UpstreamRejected        502  a provider refused the request or our key
│   ├── UpstreamRateLimited     429  a provider is limiting us
│   └── MalformedStream         502  a provider's stream broke the protocol
├── DeadlineExceeded            504  connect, first token, idle or total deadline passed
├── Cancelled                   499  the caller left
├── ConfigurationError          500  conclave.yaml, the environment or an artefact is wrong; names file, line and key
│   └── MissingArtefact         503  a model's files are not installed; names the extra to install
└── InternalError               500  a defect of ours; never expected
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import ClassVar


class ConclaveError(Exception):
    """The root. `message` is one sentence for the person who can act on it and never holds a secret."""

    code: ClassVar[str] = "internal_error"
    type: ClassVar[str] = "internal_error"
    http_status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """Say what happened and what to do; `param` names the request's field, `code` refines the class's own."""
        super().__init__(message)
        self.message = message
        self.param = param
        self.error_code = code or type(self).code
        self.retry_after_s = retry_after_s


class InvalidRequest(ConclaveError):
    """Raised where untrusted input is read; mend the request."""

    code = "invalid_request"
    type = "invalid_request_error"
    http_status = 400


class ContextTooLong(InvalidRequest):
    """Raised before a prompt reaches an engine that cannot hold it; shorten it or ask another expert."""

    code = "context_length_exceeded"


class PayloadTooLarge(InvalidRequest):
    """Raised by the gate; send less."""

    code = "payload_too_large"
    http_status = 413


class UnsupportedMedia(InvalidRequest):
    """Raised by the gate; send `application/json` without a content encoding."""

    code = "unsupported_media_type"
    http_status = 415


class RequestTooSlow(InvalidRequest):
    """Raised by the gate when a body trickles in; send it at once."""

    code = "request_timeout"
    http_status = 408


class Unprocessable(InvalidRequest):
    """Raised when a field's value makes no sense; `param` names it."""

    code = "unprocessable"
    http_status = 422


class NotAuthenticated(ConclaveError):
    """Raised by the key check; send `Authorization: Bearer <key>`."""

    code = "invalid_api_key"
    type = "authentication_error"
    http_status = 401


class NotPermitted(ConclaveError):
    """Raised when a key lacks the scope; use another key."""

    code = "not_permitted"
    type = "permission_error"
    http_status = 403


class NotFound(ConclaveError):
    """Raised for a name that is not configured; the message offers near names."""

    code = "not_found"
    type = "not_found_error"
    http_status = 404

    @classmethod
    def named(cls, what: str, name: str, known: Iterable[str], *, param: str | None = None) -> NotFound:
        """Return the error for an unknown `name`, with the nearest of the `known` ones."""
        return cls(f'no {what} "{_shown(name)}"{near(name, known)}', param=param, code=f"unknown_{what}")


class Conflict(ConclaveError):
    """Raised when a state does not allow the request; look at the state first."""

    code = "conflict"
    type = "invalid_request_error"
    http_status = 409


class BudgetExceeded(ConclaveError):
    """Raised by the ledger before anything is spent; raise the budget or ask for less."""

    code = "insufficient_budget"
    type = "insufficient_budget"
    http_status = 402


class RateLimited(ConclaveError):
    """Raised when a key has too much in flight; wait for `Retry-After`."""

    code = "rate_limit_exceeded"
    type = "rate_limit_error"
    http_status = 429
    retryable = True


class Overloaded(ConclaveError):
    """Raised when a bounded queue is full or nobody can serve; wait for `Retry-After`."""

    code = "overloaded"
    type = "overloaded_error"
    http_status = 503
    retryable = True


class Unavailable(Overloaded):
    """Raised when PostgreSQL, Redis or the broker cannot be reached; try again shortly."""

    code = "unavailable"


class HostLost(Overloaded):
    """Raised when the host of a hosted model died with the answer unfinished; ask again."""

    code = "host_lost"


class UpstreamError(ConclaveError):
    """Raised by transports when a provider fails; try again or configure a fallback."""

    code = "upstream_error"
    type = "upstream_error"
    http_status = 502
    retryable = True


class UpstreamRejected(UpstreamError):
    """Raised when a provider says the request or our key is wrong; trying again will not help."""

    code = "upstream_rejected"
    retryable = False


class UpstreamRateLimited(UpstreamError):
    """Raised when a provider answers 429; `retry_after_s` is what it asked for."""

    code = "upstream_rate_limited"
    type = "rate_limit_error"
    http_status = 429


class MalformedStream(UpstreamError):
    """Raised when a provider's stream breaks the protocol; what came before is kept and charged."""

    code = "malformed_stream"


class DeadlineExceeded(ConclaveError):
    """Raised when a deadline passes; `code` says which: connect, first_token, idle or total."""

    code = "deadline_exceeded"
    type = "timeout_error"
    http_status = 504
    retryable = True


class Cancelled(ConclaveError):
    """Raised inside a run whose caller left; nobody reads it."""

    code = "cancelled"
    type = "cancelled"
    http_status = 499


class ConfigurationError(ConclaveError):
    """Raised at boot and by `conclave config check`; the message names file, line and key."""

    code = "configuration_error"


class MissingArtefact(ConfigurationError):
    """Raised when a model's weights are not installed; the message names what to install."""

    code = "missing_artefact"
    type = "overloaded_error"
    http_status = 503


class InternalError(ConclaveError):
    """A defect of ours; report it with the request id."""


def origin_of(error: BaseException) -> list[str]:
    """Return the innermost places of an exception's traceback; they name code, and never the values it worked on."""
    places: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places[-5:]


def near(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean "x"?` for the nearest known names, or the empty string when none is near."""
    close = difflib.get_close_matches(name[:100], list(known), n=3, cutoff=0.6)
    return "; did you mean " + " or ".join(f'"{match}"' for match in close) + "?" if close else ""


def _shown(name: str) -> str:
    printable = "".join(c if c.isprintable() and c not in '"\\' else "?" for c in name[:80])
    return printable.encode("ascii", "replace").decode()
