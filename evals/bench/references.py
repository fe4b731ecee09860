"""The bare servers `bench overhead` compares with: FastAPI that only forwards, on aiohttp or the LiteLLM SDK.

Run as `python -m evals.bench.references aiohttp|litellm PORT UPSTREAM`.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import aiohttp
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse

if TYPE_CHECKING:
    from collections.abc import Callable


def on_aiohttp(upstream: str) -> FastAPI:
    """Return a server that forwards a chat completion to `upstream` with aiohttp and checks nothing."""
    app = FastAPI()
    sessions: list[aiohttp.ClientSession] = []

    def session() -> aiohttp.ClientSession:
        if not sessions:
            sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        return sessions[0]

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        body = await request.json()
        if body.get("stream"):
            return StreamingResponse(forward(body), media_type="text/event-stream")
        async with session().post(f"{upstream}/chat/completions", json=body) as answer:
            return Response(await answer.read(), answer.status, media_type="application/json")

    async def forward(body: dict[str, object]) -> AsyncIterator[bytes]:
        async with session().post(f"{upstream}/chat/completions", json=body) as answer:
            async for part in answer.content.iter_any():
                yield part

    return app


def on_litellm(upstream: str) -> FastAPI:
    """Return a server that answers a chat completion with the LiteLLM SDK and checks nothing."""
    import litellm

    litellm.telemetry = False
    app = FastAPI()

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        body = await request.json()
        answer = await litellm.acompletion(
            model=f"openai/{body['model']}",
            messages=body["messages"],
            max_tokens=body.get("max_tokens"),
            stream=bool(body.get("stream")),
            api_base=upstream,
            api_key="none",
            num_retries=0,
            max_retries=0,
        )
        if body.get("stream"):
            return StreamingResponse(forward(answer), media_type="text/event-stream")
        return Response(answer.model_dump_json(), media_type="application/json")

    async def forward(parts: AsyncIterator[object]) -> AsyncIterator[bytes]:
        async for part in parts:
            yield b"data: " + part.model_dump_json().encode() + b"\n\n"  # type: ignore[attr-defined]  # litellm's chunk
        yield b"data: [DONE]\n\n"

    return app


def main() -> None:
    """Serve one of the references until stopped."""
    kind, port, upstream = sys.argv[1:4]
    makers: dict[str, Callable[[str], FastAPI]] = {"aiohttp": on_aiohttp, "litellm": on_litellm}
    uvicorn.run(makers[kind](upstream), host="127.0.0.1", port=int(port), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
