"""What an engine or a model's server says when it refuses or fails, in the words of `core.errors`."""

from __future__ import annotations

import json
import re
from typing import Any

from core.errors import ContextTooLong, InternalError, InvalidRequest, Overloaded, RateLimited
from workers.hosting.engine import Failed

_SAID = 300
"""Characters of the engine's own words that are passed on."""

# vLLM "maximum context length", "maximum model length"; SGLang "model's context length"; llama.cpp "context size".
_TOO_LONG = re.compile(r"context[ _](length|size|window)|maximum model length", re.IGNORECASE)
_BUSY = (RateLimited.http_status, Overloaded.http_status)


def failure_of(error: object, status: int = InternalError.http_status) -> Failed:
    """Return the failure for an error object or its text; `status` counts when the error names no status itself."""
    details: dict[str, Any] = error if isinstance(error, dict) else {"message": error}
    said = str(details.get("message") or details.get("detail") or "no reason given")[:_SAID]
    code = details.get("code")
    status = code if isinstance(code, int) else status
    if details.get("type") == "exceed_context_size_error" and "n_ctx" in details:
        lengths = f"the prompt has {details.get('n_prompt_tokens')} tokens and the model's context holds"
        return Failed(ContextTooLong.code, f"{lengths} {details['n_ctx']}", retryable=False)
    if status in _BUSY:
        return Failed(Overloaded.code, f"the engine cannot serve now: {said}", retryable=True)
    if not 400 <= status < 500:
        return Failed(InternalError.code, f"the engine failed: {said}", retryable=True)
    if code == ContextTooLong.code or _TOO_LONG.search(said):
        return Failed(ContextTooLong.code, f"the engine refused the request: {said}", retryable=False)
    return Failed(InvalidRequest.code, f"the engine refused the request: {said}", retryable=False)


def failure_of_response(status: int, body: bytes) -> Failed:
    """Return the failure for an HTTP response: servers answer `{"error": ...}`, the error itself, or plain text."""
    try:
        data = json.loads(body)
    except ValueError:
        data = body.decode("utf-8", "replace").strip()
    inner = data.get("error") if isinstance(data, dict) else None
    return failure_of(inner if inner is not None else data, status)
