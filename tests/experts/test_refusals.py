"""What a provider's refusals mean to us."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConclaveError, ContextTooLong, UpstreamError, UpstreamRateLimited, UpstreamRejected
from experts.remote.refusals import LONGEST_RETRY_AFTER_S, refusal, retry_after
from experts.scripted_upstream import wire

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "kind", "code", "retryable"),
    [
        (307, UpstreamRejected, "upstream_rejected", False),
        (400, UpstreamRejected, "upstream_bad_request", False),
        (401, UpstreamRejected, "upstream_not_authorised", False),
        (402, UpstreamRejected, "upstream_no_credit", False),
        (403, UpstreamRejected, "upstream_not_authorised", False),
        (404, UpstreamRejected, "upstream_not_found", False),
        (408, UpstreamError, "upstream_error", True),
        (422, UpstreamRejected, "upstream_bad_request", False),
        (429, UpstreamRateLimited, "upstream_rate_limited", True),
        (500, UpstreamError, "upstream_error", True),
        (503, UpstreamError, "upstream_error", True),
        (529, UpstreamError, "upstream_error", True),
    ],
)
def test_a_status_becomes_the_error_it_means(
    status: int, kind: type[ConclaveError], code: str, retryable: bool
) -> None:
    error = refusal("it", status, b"")

    assert (type(error), error.error_code, error.retryable) == (kind, code, retryable)


@pytest.mark.parametrize(
    "message",
    ["This model's maximum context length is 8192 tokens", "prompt is too long: 9 tokens > 8", "exceeds context size"],
)
def test_a_prompt_that_does_not_fit_is_told_from_other_bad_requests(message: str) -> None:
    assert isinstance(refusal("it", 400, wire.error(message, "invalid_request_error")), ContextTooLong)


def test_the_providers_words_are_shown_where_they_help_but_never_with_our_key() -> None:
    helpful = refusal("it", 400, wire.error("temperature must be 1", "invalid_request_error"), secret="sk-1")
    leaking = refusal("it", 400, wire.error("bad key sk-1", "invalid_request_error"), secret="sk-1")
    refused = refusal("it", 401, wire.error("Incorrect API key: sk-1", "invalid_request_error"), secret="sk-1")

    assert "temperature must be 1" in helpful.message
    assert "sk-1" not in leaking.message + refused.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 2026 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "1e12"}, LONGEST_RETRY_AFTER_S),
    ],
)
def test_the_wait_a_provider_asks_for_is_read_in_each_of_its_forms(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers, NOW) == seconds


@given(status=st.integers(300, 599), body=st.binary(max_size=100), said=st.text(max_size=20))
def test_no_refusal_whatever_raises_an_untyped_error(status: int, body: bytes, said: str) -> None:
    wait_s = retry_after({"retry-after": said}, NOW)

    assert isinstance(refusal("it", status, body, retry_after_s=wait_s), ConclaveError)
