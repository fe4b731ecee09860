"""Hosted experts: a request goes into the mailbox of its model, and frames come back from whichever host served it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
import structlog

from core import errors
from core.calls import Call, Deadlines
from core.clock import Clock
from core.errors import (
    ConclaveError,
    ConfigurationError,
    HostLost,
    MalformedStream,
    MissingArtefact,
    Overloaded,
    UpstreamError,
    UpstreamRejected,
)
from core.experts import ExpertSpec, ModelSpec
from core.hosting import Frame, FrameKind, HostedRequest, HostState, Phase, Standing, work_of
from core.ids import IdSource, ModelName, RequestId
from core.messages import Finish, FinishPiece, Piece, TextPiece, ToolCallPiece
from core.ports import Doorbell, HostDirectory, Mailbox
from core.usage import Usage
from experts.chat_body import chat_body
from experts.counting import most_input_tokens
from experts.faults import NO_HOST
from experts.tool_protocol import ProtocolReader, by_schema, offers_tools

_log = structlog.get_logger()

READ_S = 1.0
RING_AGAIN_S = 2.0
LOOK_AGAIN_S = 0.5
HOSTLESS_S = 10.0
CANCEL_S = 0.9
RETRY_AFTER_S = 5.0
NOBODY = "anonymous"
BROKEN_MODEL = "broken_model"

_BY_CODE: Mapping[str, type[ConclaveError]] = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ConclaveError) and kind is not ConclaveError and "code" in vars(kind)
}


class HostedTransport:
    """Calls models on hosts by way of `mailbox`, ringing a host that can serve the model when it may be idle."""

    def __init__(
        self,
        mailbox: Mailbox,
        hosts: HostDirectory,
        doorbell: Doorbell,
        clock: Clock,
        ids: IdSource,
        models: Mapping[ModelName, ModelSpec],
    ) -> None:
        """Serve experts whose target is one of `models`."""
        self._mailbox = mailbox
        self._hosts = hosts
        self._doorbell = doorbell
        self._clock = clock
        self._ids = ids
        self._models = models

    async def stream(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> AsyncGenerator[Piece, None]:
        """Yield the reply's pieces, the last a `FinishPiece`; closing it takes the request back, or stops its host.

        Raises `Overloaded` when the mailbox is full or no host comes within ten seconds, `HostLost` when the host dies
        with a part of the answer shown, and whatever typed error the host reports.
        """
        reader = ProtocolReader(self._ids) if offers_tools(call) else None
        request = self._request(expert, by_schema(call), deadlines)
        over = False
        try:
            was_empty = await self._mailbox.submit(request)
            watch = _Wait(self._mailbox, self._clock, self._ring, request, rung=not was_empty)
            after = 0
            while True:
                for frame in await watch.frames(after):
                    after = frame.seq
                    over = frame.kind in (FrameKind.END, FrameKind.ERROR)
                    piece = _piece(expert, frame)
                    for read in (piece,) if reader is None else reader.read(piece):
                        yield read
        finally:
            if not over:
                await self._take_back(request.id)

    def unfit(self, expert: ExpertSpec) -> str | None:
        """Return why the expert cannot be called as configured, or nothing."""
        return None if expert.target in self._models else f"no model {expert.target} is configured"

    def _request(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> HostedRequest:
        body = chat_body(expert.target, call)
        body["stream"] = True
        model = ModelName(expert.target)
        most = most_input_tokens(call)
        spec = self._models.get(model)
        if spec is not None:
            most = min(most, spec.context)
            if expert.adapter is not None:
                # llama.cpp's own field: every adapter that is not named stays off for this request.
                body["lora"] = [{"id": spec.adapter_number(expert.adapter), "scale": 1.0}]
        return HostedRequest(
            id=RequestId(self._ids.new()),
            model=model,
            body=orjson.dumps(body).decode(),
            caller=call.key_id or NOBODY,
            total_s=call.seconds_left(deadlines.total),
            work_tokens=work_of(most, call.sampling.max_tokens or expert.max_output),
            batch=call.batch,
        )

    async def _take_back(self, request: RequestId) -> None:
        try:
            async with asyncio.timeout(CANCEL_S):
                await self._mailbox.cancel(request)
        except (ConclaveError, TimeoutError) as error:
            # The lease and the request's own total time end it without us.
            _log.warning("hosted.not_cancelled", request=request, error=type(error).__name__)

    async def _ring(self, model: ModelName) -> bool:
        """Ring the host best placed to serve `model`; return whether there was one."""
        try:
            host = best_host(await self._hosts.hosts(), model)
            if host is None:
                return False
            await self._doorbell.ring(host)
        except ConclaveError as error:
            _log.warning("hosted.not_rung", model=model, error=error.error_code)
            return False
        return True


class _Wait:
    """The waiting for one request's frames: rings again while nobody takes it, and notices when its host is lost."""

    def __init__(
        self,
        mailbox: Mailbox,
        clock: Clock,
        ring: Callable[[ModelName], Awaitable[bool]],
        request: HostedRequest,
        *,
        rung: bool,
    ) -> None:
        self._mailbox = mailbox
        self._clock = clock
        self._ring = ring
        self._request = request
        self._waiting = True
        self._hostless_since: float | None = None
        self._ring_at = clock.monotonic() + (RING_AGAIN_S if rung else 0.0)

    async def frames(self, after: int) -> Sequence[Frame]:
        """Return the next frames, at least one."""
        while True:
            await self._ring_if_due()
            wait_s = READ_S
            if self._waiting:
                wait_s = min(READ_S, max(0.05, self._ring_at - self._clock.monotonic()))
            if frames := await self._mailbox.read(self._request.id, after, wait_s):
                self._waiting = False
                return frames
            standing = await self._mailbox.standing(self._request.id)
            self._waiting = standing is Standing.WAITING
            if standing in (Standing.LOST, Standing.DONE):
                # The last frames may have come between the two questions.
                if frames := await self._mailbox.read(self._request.id, after, 0.0):
                    return frames
                raise HostLost(
                    f"the host that served {self._request.model} was lost; ask again", retry_after_s=RETRY_AFTER_S
                )

    async def _ring_if_due(self) -> None:
        now = self._clock.monotonic()
        if not self._waiting or now < self._ring_at:
            return
        if await self._ring(self._request.model):
            self._hostless_since = None
            self._ring_at = now + RING_AGAIN_S
            return
        if self._hostless_since is None:
            self._hostless_since = now
        if now - self._hostless_since >= HOSTLESS_S:
            raise Overloaded(
                f"no host is there to serve {self._request.model}; try again shortly",
                code=NO_HOST,
                retry_after_s=RETRY_AFTER_S,
            )
        self._ring_at = now + LOOK_AGAIN_S


def best_host(hosts: Sequence[HostState], model: ModelName) -> HostState | None:
    """Return the host to ring for `model`, or nothing when none can serve it.

    One that serves it now comes first, then those that do nothing, then those that hold it; those that failed to load
    it come last.
    """
    able = [host for host in hosts if not host.draining and (not host.models or model in host.models)]

    def rank(host: HostState) -> tuple[bool, bool, bool, bool, int, str]:
        failed = any(held.model == model and held.phase is Phase.FAILED for held in host.residences)
        return (
            failed,
            host.serving != model,
            host.serving is not None,
            model not in host.resident,
            host.slots_busy,
            host.id,
        )

    return min(able, key=rank, default=None)


def _piece(expert: ExpertSpec, frame: Frame) -> Piece:
    if frame.kind is FrameKind.TEXT:
        return TextPiece(frame.data)
    try:
        data = orjson.loads(frame.data)
        if frame.kind is FrameKind.TOOL:
            return ToolCallPiece(data["index"], data.get("id"), data.get("name"), data.get("arguments", ""))
        if frame.kind is FrameKind.END:
            usage = Usage(data["input_tokens"], data["output_tokens"], data.get("cached_tokens", 0), 1)
            return FinishPiece(Finish(data["finish"]), usage)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise MalformedStream(f"the host of expert {expert.name} sent a frame that makes no sense") from None
    raise _error(data)


def _error(data: Any) -> ConclaveError:
    if not isinstance(data, dict):
        return UpstreamError("a host failed without saying why")
    code, message = str(data.get("code", "")), str(data.get("message", "a host failed without saying why"))
    if code == ConfigurationError.code:
        # A broken file is the host's trouble, not the caller's nor this process's: as good as not installed.
        return MissingArtefact(message, code=BROKEN_MODEL)
    kind = _BY_CODE.get(code)
    if kind is not None:
        return kind(message)
    return (Overloaded if data.get("retryable") else UpstreamRejected)(message, code=code or None)
