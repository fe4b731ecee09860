"""What an error of a call means: whether a fallback may take over, whether the expert is to blame, whether it cost."""

from __future__ import annotations

from enum import Enum, auto

from core.errors import (
    ConclaveError,
    ContextTooLong,
    DeadlineExceeded,
    HostLost,
    MalformedStream,
    MissingArtefact,
    Overloaded,
    Unavailable,
    UpstreamError,
    UpstreamRateLimited,
    UpstreamRejected,
)
from experts.watch import TOTAL

BAD_REQUEST = "upstream_bad_request"
NOT_AUTHORISED = "upstream_not_authorised"
NOT_FOUND = "upstream_not_found"
NO_CREDIT = "upstream_no_credit"
NO_HOST = "no_host"
CONNECT = "connect_deadline"

_OFF = frozenset({NOT_AUTHORISED, NOT_FOUND, NO_CREDIT})


class Blame(Enum):
    """What a failed call says about the expert."""

    NONE = auto()
    FAILED = auto()
    OFF = auto()


def passes_on(error: ConclaveError) -> bool:
    """Whether another expert may do better: not when the request itself, the budget or its wall time is at fault."""
    if isinstance(error, UpstreamRejected):
        return error.error_code != BAD_REQUEST
    if isinstance(error, DeadlineExceeded):
        return error.error_code != TOTAL
    return isinstance(error, UpstreamError | Overloaded | ContextTooLong | MissingArtefact)


def blame(error: ConclaveError) -> Blame:
    """Return what the error says about the expert's health; shedding load and bad requests say nothing."""
    if isinstance(error, UpstreamRejected):
        return Blame.OFF if error.error_code in _OFF else Blame.NONE
    if isinstance(error, UpstreamRateLimited):
        return Blame.NONE
    if isinstance(error, UpstreamError | DeadlineExceeded | HostLost | Unavailable | MissingArtefact):
        return Blame.FAILED
    return Blame.FAILED if error.error_code == NO_HOST else Blame.NONE


def reached(error: ConclaveError) -> bool:
    """Whether the expert had begun to work when it failed, so that its prompt was probably charged."""
    if isinstance(error, DeadlineExceeded):
        return error.error_code != CONNECT
    return isinstance(error, MalformedStream | HostLost)
