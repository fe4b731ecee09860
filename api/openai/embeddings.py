"""`POST /v1/embeddings`: vectors from the local embedder, as numbers or, as the OpenAI client asks, in base 64."""

from __future__ import annotations

import asyncio
import base64
import struct
from collections.abc import Sequence
from typing import Annotated, Final, Literal

import orjson
from pydantic import Field
from starlette.responses import Response

from api.leaving import CancelledWhenCallerLeaves
from api.openai.fields import Strict, read
from api.openai.heading import caller_left
from api.openai.request import Ignored
from api.routes import Visit
from core.errors import DeadlineExceeded, InvalidRequest, NotFound
from core.ports import Embedder
from core.usage import Usage

ALIAS: Final = "embedding"
"""The name that always works, whatever model is behind it."""

_AT_ONCE: Final = 32
_WITHIN_S: Final = 120.0
_BYTES_PER_TOKEN: Final = 4
Text = Annotated[str, Field(min_length=1, max_length=100_000)]


class EmbeddingRequest(Strict):
    """An embeddings request; inputs are texts, never token numbers."""

    model: Annotated[str, Field(min_length=1, max_length=256)]
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=2048)]
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1)] | None = None
    user: Ignored = None


async def embeddings(visit: Visit) -> Response:
    """Answer an embeddings request."""
    request = read(EmbeddingRequest, visit.body)
    embedder = visit.container.embedder
    names = embedding_models(embedder)
    if request.model not in names:
        raise NotFound.named("model", request.model, names, param="model")
    texts = [request.input] if isinstance(request.input, str) else request.input
    async with CancelledWhenCallerLeaves(visit.request.receive):
        vectors = await _embedded(embedder, texts)
        if request.dimensions not in (None, len(vectors[0])):
            raise InvalidRequest(f"dimensions: this model gives {len(vectors[0])}", param="dimensions")
        tokens = sum(len(text.encode()) for text in texts) // _BYTES_PER_TOKEN + 1
        visit.service.meters.used(Usage(input_tokens=tokens), 0)
        return _rendered(vectors, embedder.name, tokens, in_base64=request.encoding_format == "base64")
    return caller_left()


def embedding_models(embedder: Embedder) -> tuple[str, ...]:
    """Return the names by which the embedder can be asked."""
    return (ALIAS, embedder.name)


async def _embedded(embedder: Embedder, texts: Sequence[str]) -> list[list[float]]:
    vectors: list[list[float]] = []
    try:
        async with asyncio.timeout(_WITHIN_S):
            # In small batches, so that one caller's thousand texts do not keep others waiting.
            for start in range(0, len(texts), _AT_ONCE):
                vectors += await embedder.embed(texts[start : start + _AT_ONCE])
    except TimeoutError:
        raise DeadlineExceeded(f"no vectors within {_WITHIN_S:g} seconds; send fewer texts") from None
    return vectors


def _rendered(vectors: Sequence[Sequence[float]], model: str, tokens: int, *, in_base64: bool) -> Response:
    data = [
        {"object": "embedding", "index": index, "embedding": _in_base64(vector) if in_base64 else list(vector)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    body = {"object": "list", "data": data, "model": model, "usage": usage}
    return Response(orjson.dumps(body), media_type="application/json")


def _in_base64(vector: Sequence[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
