"""The bytes that the scripted upstream sends: completions whole and in chunks, embeddings, errors."""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache
from typing import Any

import orjson

ANSWER = ("The", " answer", " is", " 42", ".")
INPUT_TOKENS = 11
DIMENSIONS = 32
DONE = b"data: [DONE]\n\n"
_CREATED = 1_700_000_000


def words(count: int) -> tuple[str, ...]:
    """Return a reply of `count` tokens."""
    return tuple(ANSWER[index % len(ANSWER)] for index in range(count))


def usage(tokens: int) -> dict[str, Any]:
    """Return the usage object of a reply of so many tokens."""
    return {"prompt_tokens": INPUT_TOKENS, "completion_tokens": tokens, "total_tokens": INPUT_TOKENS + tokens}


def event(value: dict[str, Any]) -> bytes:
    """Return one server-sent event."""
    return b"data: " + orjson.dumps(value) + b"\n\n"


def chunk(model: str, delta: dict[str, Any], finish: str | None = None) -> bytes:
    """Return the event of one chunk."""
    return event(
        {
            "id": "chatcmpl-scripted",
            "object": "chat.completion.chunk",
            "created": _CREATED,
            "model": model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
    )


def usage_chunk(model: str, tokens: int) -> bytes:
    """Return the event that carries usage, and no choice."""
    return event(
        {
            "id": "chatcmpl-scripted",
            "object": "chat.completion.chunk",
            "created": _CREATED,
            "model": model,
            "choices": [],
            "usage": usage(tokens),
        }
    )


@lru_cache(maxsize=256)
def streamed(model: str, tokens: tuple[str, ...]) -> tuple[bytes, ...]:
    """Return the events of a good stream: role, tokens, finish, usage, end."""
    return (
        chunk(model, {"role": "assistant", "content": ""}),
        *(chunk(model, {"content": token}) for token in tokens),
        chunk(model, {}, "stop"),
        usage_chunk(model, len(tokens)),
        DONE,
    )


@lru_cache(maxsize=256)
def stream_at_once(model: str, tokens: tuple[str, ...]) -> bytes:
    """Return a good stream as one block of bytes."""
    return b"".join(streamed(model, tokens))


@lru_cache(maxsize=256)
def completed(model: str, tokens: tuple[str, ...]) -> bytes:
    """Return a good completion."""
    return completion(model, {"role": "assistant", "content": "".join(tokens)}, "stop", len(tokens))


def completion(model: str, message: dict[str, Any], finish: str, tokens: int) -> bytes:
    """Return a completion with this message."""
    return orjson.dumps(
        {
            "id": "chatcmpl-scripted",
            "object": "chat.completion",
            "created": _CREATED,
            "model": model,
            "choices": [{"index": 0, "message": message, "finish_reason": finish}],
            "usage": usage(tokens),
        }
    )


def error(message: str, kind: str, code: str | None = None) -> bytes:
    """Return an error envelope."""
    return orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": code}})


def embeddings(model: str, texts: list[str]) -> bytes:
    """Return a unit vector a text, always the same one for the same text."""
    data = [{"object": "embedding", "index": index, "embedding": _vector(text)} for index, text in enumerate(texts)]
    tokens = sum(len(text) // 4 + 1 for text in texts)
    return orjson.dumps(
        {"object": "list", "model": model, "data": data, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
    )


def models(names: tuple[str, ...]) -> bytes:
    """Return the list of models."""
    data = [{"id": name, "object": "model", "created": _CREATED, "owned_by": "scripted"} for name in names]
    return orjson.dumps({"object": "list", "data": data})


def _vector(text: str) -> list[float]:
    digest = hashlib.sha256(text.encode()).digest()
    raw = [byte - 127.5 for byte in digest[:DIMENSIONS]]
    length = math.sqrt(sum(value * value for value in raw))
    return [value / length for value in raw]
