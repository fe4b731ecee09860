"""The lean transport: aiohttp to any OpenAI-compatible upstream, streamed or whole. One session a process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass

import aiohttp
import orjson
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import SecretStr
from yarl import URL

from core.calls import Call, Deadlines
from core.clock import Clock
from core.errors import ConfigurationError, DeadlineExceeded, MalformedStream, UpstreamError
from core.experts import ExpertSpec
from core.ids import ExpertName
from core.messages import FinishPiece, Piece, Reply, TextPiece, ToolCallPiece
from experts.chat_body import Body, chat_body
from experts.counting import guessed_usage
from experts.faults import CONNECT
from experts.remote.chunks import ChunkReader, read_completion
from experts.remote.providers import Upstream, upstream_of
from experts.remote.refusals import refusal, retry_after
from experts.remote.sse import SseReader

LONGEST_REPLY = 64 * 1024 * 1024
LONGEST_REFUSAL = 64 * 1024
DRAIN_S = 0.25
RETRY_SHARE = 0.1
MOST_RETRIES_SAVED = 10.0

_BROKEN = (aiohttp.ClientError, HttpProcessingError, OSError)
_EVENTS = "text/event-stream"
_STREAMED = {"include_usage": True}


@dataclass(frozen=True, slots=True)
class _Route:
    """What is needed to call one expert, prepared once. `who` names it in messages."""

    who: str
    url: URL
    headers: Mapping[str, str]
    upstream: Upstream
    secret: str


class OpenAITransport:
    """Calls upstreams at their endpoint with keys from `secrets`. Redirects are never followed."""

    def __init__(self, secrets: Mapping[str, SecretStr], clock: Clock) -> None:
        """Connect lazily; close with `aclose`."""
        self._secrets = secrets
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None
        self._routes: dict[ExpertName, tuple[ExpertSpec, _Route]] = {}
        self._timeouts: dict[float, aiohttp.ClientTimeout] = {}
        self._retries_saved = MOST_RETRIES_SAVED

    async def stream(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> AsyncGenerator[Piece, None]:
        """Yield the reply's pieces as they come; closing it closes the connection, which cancels the call upstream."""
        route = self._route(expert)
        body = _body(route, call)
        body["stream"] = True
        body["stream_options"] = _STREAMED
        response = await self._post(route, body, deadlines)
        try:
            await self._check(route, response)
            if response.content_type != _EVENTS and response.content_type == "application/json":
                for piece in _pieces_of(await self._whole(route, call, response)):
                    yield piece
                return
            events, reader, received = SseReader(), ChunkReader(route.who, route.secret), 0
            while not reader.done:
                chunk = await _next(route.who, response)
                received = _counted(route.who, received, chunk)
                for payload in events.feed(chunk) if chunk else events.end():
                    for piece in reader.read(payload):
                        yield piece
                if not chunk:
                    break
            await _drain(response)
            last = reader.finished()
            if reader.usage is None:
                last = FinishPiece(last.finish, guessed_usage(call, reader.characters, reader.pieces))
            yield last
        finally:
            response.close()

    async def complete(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> Reply:
        """Return the whole reply, asked for without a stream."""
        route = self._route(expert)
        response = await self._post(route, _body(route, call), deadlines)
        try:
            await self._check(route, response)
            return await self._whole(route, call, response)
        finally:
            response.close()

    def unfit(self, expert: ExpertSpec) -> str | None:
        """Return why the expert cannot be called as configured, or nothing."""
        try:
            self._route(expert)
        except ConfigurationError as error:
            return error.message
        return None

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, route: _Route, body: Body, deadlines: Deadlines) -> aiohttp.ClientResponse:
        content = orjson.dumps(body)
        self._retries_saved = min(self._retries_saved + RETRY_SHARE, MOST_RETRIES_SAVED)
        try:
            try:
                return await self._send(route, content, deadlines)
            except (aiohttp.ServerDisconnectedError, ConnectionResetError):
                # A server may close an idle connection just as we take it from the pool; asking anew cannot do that.
                if self._retries_saved < 1:
                    raise
                self._retries_saved -= 1
                return await self._send(route, content, deadlines)
        except TimeoutError:
            message = f"{route.who} could not be reached within {deadlines.connect:g} s"
            raise DeadlineExceeded(message, code=CONNECT) from None
        except _BROKEN as error:
            raise UpstreamError(f"{route.who} could not be reached: {type(error).__name__}") from None

    async def _send(self, route: _Route, content: bytes, deadlines: Deadlines) -> aiohttp.ClientResponse:
        timeout = self._timeouts.get(deadlines.connect)
        if timeout is None:
            timeout = aiohttp.ClientTimeout(total=None, connect=deadlines.connect)
            self._timeouts[deadlines.connect] = timeout
        return await self._connected().post(
            route.url, data=content, headers=route.headers, timeout=timeout, allow_redirects=False
        )

    def _connected(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # Concurrency is bounded by admission and purses, never by a hidden queue in the pool.
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept"),
            )
        return self._session

    async def _check(self, route: _Route, response: aiohttp.ClientResponse) -> None:
        if response.status != 200:
            body = await _read(route.who, response)
            wait_s = retry_after(response.headers, self._clock.now())
            raise refusal(route.who, response.status, body, retry_after_s=wait_s, secret=route.secret)
        if response.content_type == "text/html":
            raise MalformedStream(f"{route.who} answered with a web page; check its endpoint")

    async def _whole(self, route: _Route, call: Call, response: aiohttp.ClientResponse) -> Reply:
        reply = read_completion(route.who, await _read(route.who, response), route.secret)
        if reply.usage.total_tokens:
            return reply
        characters = len(reply.text) + sum(len(tool.arguments) for tool in reply.tool_calls)
        return Reply(reply.text, reply.finish, guessed_usage(call, characters, 0), reply.tool_calls)

    def _route(self, expert: ExpertSpec) -> _Route:
        kept = self._routes.get(expert.name)
        if kept is not None and kept[0] is expert:
            return kept[1]
        route = self._prepare(expert)
        self._routes[expert.name] = (expert, route)
        return route

    def _prepare(self, expert: ExpertSpec) -> _Route:
        upstream = upstream_of(expert)
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "conclave"}
        secret = ""
        if expert.secret is not None:
            kept = self._secrets.get(expert.secret)
            if kept is None or not kept.get_secret_value().strip():
                raise ConfigurationError(f"no key configured for expert {expert.name}: {expert.secret} is empty")
            secret = kept.get_secret_value().strip()
            if not (secret.isascii() and secret.isprintable()):
                raise ConfigurationError(f"the key of expert {expert.name} holds characters that no key may have")
            headers["Authorization"] = f"Bearer {secret}"
        return _Route(expert.target, URL(upstream.url), headers, upstream, secret)


def _body(route: _Route, call: Call) -> Body:
    upstream = route.upstream
    return chat_body(upstream.model, call, developer=upstream.developer, max_tokens_key=upstream.max_tokens_key)


def _pieces_of(reply: Reply) -> list[Piece]:
    pieces: list[Piece] = [TextPiece(reply.text)] if reply.text else []
    pieces += [ToolCallPiece(index, tool.id, tool.name, tool.arguments) for index, tool in enumerate(reply.tool_calls)]
    return [*pieces, FinishPiece(reply.finish, reply.usage)]


async def _next(who: str, response: aiohttp.ClientResponse) -> bytes:
    """Return the bytes that have come, waiting for the first; none at the end."""
    try:
        return await response.content.readany()
    except _BROKEN as error:
        raise MalformedStream(f"{who} broke off its reply: {type(error).__name__}") from None


def _counted(who: str, received: int, chunk: bytes) -> int:
    received += len(chunk)
    if received > LONGEST_REPLY:
        raise MalformedStream(f"{who} sent more than {LONGEST_REPLY} bytes in one reply")
    return received


async def _read(who: str, response: aiohttp.ClientResponse) -> bytes:
    """Return the whole body; that of a refusal is cut short when long."""
    chunks: list[bytes] = []
    received = 0
    while chunk := await _next(who, response):
        chunks.append(chunk)
        received = _counted(who, received, chunk)
        if response.status != 200 and received > LONGEST_REFUSAL:
            break
    return b"".join(chunks)


async def _drain(response: aiohttp.ClientResponse) -> None:
    """Read what follows the last event, normally nothing, so that the connection can serve the next call."""
    if response.content.at_eof():
        return
    try:
        async with asyncio.timeout(DRAIN_S):
            while await response.content.readany():
                pass
    except (*_BROKEN, TimeoutError):
        return
