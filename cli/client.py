"""Talking to a service over HTTP: JSON in, JSON or streamed chunks out, errors as ours."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

import aiohttp

from cli.reaching import Endpoint
from core.errors import (
    ConclaveError,
    Conflict,
    InvalidRequest,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    Unavailable,
    UpstreamError,
)

_BY_STATUS: dict[int, type[ConclaveError]] = {
    400: InvalidRequest,
    401: NotAuthenticated,
    403: NotPermitted,
    404: NotFound,
    409: Conflict,
    503: Unavailable,
}
_CONNECT_S = 5.0


class Client:
    """One connection's worth of requests; used as an async context."""

    def __init__(self, endpoint: Endpoint, total_s: float = 600.0) -> None:
        """Talk to `endpoint`; no request may take longer than `total_s` seconds."""
        self._endpoint = endpoint
        self._timeout = aiohttp.ClientTimeout(total=total_s, connect=_CONNECT_S)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Client:
        """Open the session."""
        headers = {"Authorization": f"Bearer {self._endpoint.key}"}
        self._session = aiohttp.ClientSession(self._endpoint.url, headers=headers, timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; what is under way at the other end is cancelled."""
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str) -> dict[str, Any]:
        """Return the JSON object at `path`."""
        return await self._exchange("GET", path, None)

    async def post(self, path: str, body: object) -> dict[str, Any]:
        """Return the JSON object that answers `body`; raises the `ConclaveError` the service names."""
        return await self._exchange("POST", path, body)

    async def stream(self, path: str, body: object) -> AsyncIterator[dict[str, Any]]:
        """Yield the chunks that answer `body`; raises the `ConclaveError` the service names, also in mid-stream."""
        try:
            async with self._open("POST", path, body) as response:
                if response.status >= 400:
                    raise _refusal(response.status, await response.text())
                async for line in response.content:
                    chunk = _chunk(line)
                    if chunk is not None:
                        yield chunk
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._lost(error) from None

    async def _exchange(self, method: str, path: str, body: object) -> dict[str, Any]:
        try:
            async with self._open(method, path, body) as response:
                text = await response.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._lost(error) from None
        if response.status >= 400:
            raise _refusal(response.status, text)
        found = json.loads(text)
        return found if isinstance(found, dict) else {}

    def _open(self, method: str, path: str, body: object) -> aiohttp.client._RequestContextManager:
        if self._session is None:
            raise Unavailable("the client is not open")
        return self._session.request(method, path, json=body)

    def _lost(self, error: Exception) -> Unavailable:
        return Unavailable(f"{self._endpoint.url} does not answer ({type(error).__name__}); is the service running?")


def _chunk(line: bytes) -> dict[str, Any] | None:
    if not line.startswith(b"data: ") or line.startswith(b"data: [DONE]"):
        return None
    chunk: dict[str, Any] = json.loads(line[6:])
    if "error" in chunk:
        raise _named(UpstreamError, chunk)
    return chunk


def _refusal(status: int, text: str) -> ConclaveError:
    kind = _BY_STATUS.get(status, ConclaveError)
    try:
        return _named(kind, json.loads(text))
    except (ValueError, KeyError, TypeError):
        return kind(f"the service answered {status}")


def _named(kind: type[ConclaveError], body: dict[str, Any]) -> ConclaveError:
    error = body["error"]
    return kind(str(error["message"]), param=error.get("param"), code=error.get("code"))
