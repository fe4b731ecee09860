"""Every other provider, by way of LiteLLM as transport only: no retries, router, cache or telemetry of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import orjson
import structlog
from pydantic import SecretStr

from core.calls import Call, Deadlines
from core.clock import Clock
from core.errors import (
    ConclaveError,
    ConfigurationError,
    ContextTooLong,
    DeadlineExceeded,
    MalformedStream,
    UpstreamError,
)
from core.experts import ExpertSpec
from core.messages import FinishPiece, Piece, Reply
from core.settings import preset
from experts.assembling import Assembly
from experts.chat_body import chat_body
from experts.counting import guessed_usage
from experts.faults import CONNECT
from experts.remote.chunks import ChunkReader
from experts.remote.refusals import refusal, retry_after

_NO_PROVIDER = "LLM Provider NOT provided"

_log = structlog.get_logger()

_STREAMED: Mapping[str, Any] = {"stream": True, "stream_options": {"include_usage": True}}

# Read at import: without the first LiteLLM fetches a price map, without the second it loads a .env file.
_QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR"}


class LiteLLMTransport:
    """Calls any provider LiteLLM knows, with keys from `secrets`.

    LiteLLM takes seconds to import, so that happens in a thread, at the first call.
    """

    def __init__(self, secrets: Mapping[str, SecretStr], clock: Clock) -> None:
        """Import nothing yet; close with `aclose`."""
        self._secrets = secrets
        self._clock = clock
        self._vendors: tuple[Any, Any] | None = None
        self._importing = asyncio.Lock()

    async def stream(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> AsyncGenerator[Piece, None]:
        """Yield the reply's pieces as they come; closing it closes the provider's connection."""
        litellm, httpx = await self._imported()
        who = expert.target
        secret = self._secret(expert)
        reader = ChunkReader(who, secret)
        chunks: Any = None
        try:
            timeout = httpx.Timeout(deadlines.total, connect=deadlines.connect)
            chunks = await litellm.acompletion(**_asked(expert, call, timeout, secret), **_STREAMED)
            async for chunk in chunks:
                for piece in reader.take(_plain(chunk)):
                    yield piece
        except ConclaveError:
            raise
        except Exception as error:  # noqa: BLE001  # a vendor raises whatever it likes; all of it becomes typed
            raise self._typed(litellm, who, error, secret) from None
        finally:
            if chunks is not None:
                await chunks.aclose()
        if reader.usage is None and not reader.pieces:
            # LiteLLM makes an empty reply of whatever it cannot read, such as a web page.
            raise MalformedStream(f"{who} sent a reply with nothing in it")
        yield _ended(reader, call)

    async def complete(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> Reply:
        """Return the whole reply, asked for without a stream: a third of the stream's work in LiteLLM."""
        litellm, httpx = await self._imported()
        who = expert.target
        secret = self._secret(expert)
        reader, assembly = ChunkReader(who, secret), Assembly()
        try:
            timeout = httpx.Timeout(deadlines.total, connect=deadlines.connect)
            answer = await litellm.acompletion(**_asked(expert, call, timeout, secret))
            for piece in reader.take(_plain(answer)):
                if not isinstance(piece, FinishPiece):
                    assembly.add(piece)
        except ConclaveError:
            raise
        except Exception as error:  # noqa: BLE001  # a vendor raises whatever it likes; all of it becomes typed
            raise self._typed(litellm, who, error, secret) from None
        if reader.usage is None and not reader.pieces:
            raise MalformedStream(f"{who} sent a reply with nothing in it")
        return assembly.end(_ended(reader, call))

    def unfit(self, expert: ExpertSpec) -> str | None:
        """Return why the expert cannot be called as configured, or nothing."""
        try:
            self._secret(expert)
        except ConfigurationError as error:
            return error.message
        return None

    async def aclose(self) -> None:
        """Close LiteLLM's connections and its background worker."""
        if self._vendors is None:
            return
        from litellm.litellm_core_utils.logging_worker import GLOBAL_LOGGING_WORKER
        from litellm.llms.custom_httpx.async_client_cleanup import close_litellm_async_clients

        litellm, _ = self._vendors
        await GLOBAL_LOGGING_WORKER.stop()
        await close_litellm_async_clients()  # type: ignore[no-untyped-call]  # the vendor left it untyped
        litellm.in_memory_llm_clients_cache.flush_cache()
        self._vendors = None

    async def _imported(self) -> tuple[Any, Any]:
        if self._vendors is None:
            async with self._importing:
                if self._vendors is None:
                    self._vendors = await asyncio.to_thread(_import)
        return self._vendors

    def _secret(self, expert: ExpertSpec) -> str:
        if expert.secret is None:
            return ""
        kept = self._secrets.get(expert.secret)
        if kept is None or not kept.get_secret_value().strip():
            raise ConfigurationError(f"no key configured for expert {expert.name}: {expert.secret} is empty")
        return kept.get_secret_value().strip()

    def _typed(self, litellm: Any, who: str, error: Exception, secret: str) -> ConclaveError:
        exceptions = litellm.exceptions
        if isinstance(error, exceptions.MidStreamFallbackError):
            return MalformedStream(f"{who} broke off its stream")
        if isinstance(error, exceptions.ContextWindowExceededError):
            return ContextTooLong(f"{who}: the messages do not fit the model's context; shorten them", param="messages")
        if isinstance(error, exceptions.Timeout):
            return DeadlineExceeded(f"{who} could not be reached in time", code=CONNECT)
        if isinstance(error, exceptions.BadRequestError) and _NO_PROVIDER in str(error):
            return ConfigurationError(f'no provider is known for "{who}"; write it as provider/model')
        status = getattr(error, "status_code", None)
        if not isinstance(status, int):
            _log.warning("litellm.unforeseen", target=who, error=type(error).__name__)
            return UpstreamError(f"{who} failed in LiteLLM: {type(error).__name__}")
        headers = getattr(error, "litellm_response_headers", None) or {}
        body = getattr(error, "body", None)
        told = body if isinstance(body, Mapping) else {"message": str(getattr(error, "message", ""))}
        wait_s = retry_after(headers, self._clock.now())
        return refusal(who, status, orjson.dumps(told, default=str), retry_after_s=wait_s, secret=secret)


def _import() -> tuple[Any, Any]:
    preset(_QUIET)
    import httpx
    import litellm
    from litellm.llms.custom_httpx.http_handler import get_ssl_configuration
    from litellm.types import utils as shapes

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.disable_streaming_logging = True
    litellm.turn_off_message_logging = True
    # What is put off until its first use must not happen in the event loop: both of these read files, and the shapes of
    # replies are compiled.
    litellm.token_counter(model="", text="warm")
    get_ssl_configuration()
    for shape in (shapes.ModelResponse, shapes.ModelResponseStream, shapes.Message, shapes.Delta, shapes.Usage):
        shape.model_rebuild()
    return litellm, httpx


def _asked(expert: ExpertSpec, call: Call, timeout: Any, secret: str) -> dict[str, Any]:
    asked: dict[str, Any] = {
        **chat_body(expert.target, call),
        "num_retries": 0,
        "max_retries": 0,
        "timeout": timeout,
        # A persona's sampling may name what this provider does not know; that is not worth a refusal.
        "drop_params": True,
    }
    if expert.endpoint is not None:
        asked["api_base"] = expert.endpoint
    if secret or expert.endpoint is not None:
        # Without a key of ours LiteLLM would take one from the environment, and show it to this endpoint.
        asked["api_key"] = secret or "none"
    return asked


def _ended(reader: ChunkReader, call: Call) -> FinishPiece:
    last = reader.finished()
    return last if reader.usage else FinishPiece(last.finish, guessed_usage(call, reader.characters, reader.pieces))


def _plain(chunk: Any) -> dict[str, Any]:
    """Return LiteLLM's chunk, or whole reply, as the parsed JSON of the chunk it stands for."""
    plain: dict[str, Any] = {}
    usage = getattr(chunk, "usage", None)
    if usage is not None:
        plain["usage"] = usage.model_dump()
    if chunk.choices:
        choice = chunk.choices[0]
        delta = getattr(choice, "delta", None) or choice.message
        plain["choices"] = [
            {
                "finish_reason": choice.finish_reason,
                "delta": {
                    "content": delta.content,
                    "reasoning": getattr(delta, "reasoning_content", None),
                    "tool_calls": [
                        {"index": index, **part.model_dump()} for index, part in enumerate(delta.tool_calls or ())
                    ],
                },
            }
        ]
    return plain
