"""One claimed request on its way: what the engine says becomes frames of its result, in order, until its ending."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

import structlog

from core.errors import DeadlineExceeded, Unavailable
from core.hosting import Claim, Frame, work_of
from core.ports import Mailbox
from workers.hosting.engine import EngineEvent, EngineModel, Failed, Finished, Stopped
from workers.hosting.frames import error_frame, frames_of

_log = structlog.get_logger(__name__)
# Tokens that come closer together than this travel together.
_GATHER_S = 0.01
_FREE_S = 10.0
_PAUSES_S = (0.1, 0.3, 0.9)


class Flight:
    """Serves one claim. Nothing is written after its fence is passed, or after `stop`."""

    def __init__(self, claim: Claim, model: EngineModel, mailbox: Mailbox, alive: Callable[[], None]) -> None:
        """Prepare; `alive` is called at every sign of life."""
        self.claim = claim
        self._model = model
        # Not the request's id alone: one that lapsed may be claimed anew while its first generation still ends.
        self._generation = f"{claim.request.id}.{claim.fence}"
        self._mailbox = mailbox
        self._alive = alive
        self._heard: list[EngineEvent] = []
        self._news = asyncio.Event()
        self._ended = asyncio.Event()
        self._stopped = False
        self._late: Failed | None = None
        self._seq = 0
        self._pieces = 0
        self.ending: Finished | None = None
        """How the reply ended, once it did."""

    @property
    def work(self) -> int:
        """Return the work done so far, as `core.hosting.work_of` counts it: a piece of a reply is about a token."""
        if self.ending is None:
            return self._pieces
        return work_of(self.ending.input_tokens - self.ending.cached_tokens, self.ending.output_tokens)

    @property
    def shown(self) -> bool:
        """Whether the caller may have seen something."""
        return self._seq > 0

    def stop(self) -> None:
        """Serve no further: the request was cancelled, taken by another host, or is to be handed back."""
        self._stopped = True
        self._news.set()

    async def run(self) -> None:
        """Generate and relay until the ending; when this returns the slot is free."""
        request = self.claim.request
        # Not a timeout around the relaying: that could cut a write of frames in two.
        deadline = asyncio.get_running_loop().call_later(request.total_s, self._hear_deadline)
        self._model.start(self._generation, request.body, self._hear)
        try:
            await self._relay()
        finally:
            deadline.cancel()
            await self._free()

    async def fail(self, failure: Failed) -> None:
        """Write an error as the last frame."""
        await self._push([error_frame(self._seq + 1, failure)])

    def _hear(self, event: EngineEvent) -> None:
        self._alive()
        self._heard.append(event)
        self._pieces += 1
        if isinstance(event, Finished):
            self.ending = event
        if isinstance(event, Finished | Failed | Stopped):
            self._ended.set()
        self._news.set()

    def _hear_deadline(self) -> None:
        late = f"the answer took longer than its {self.claim.request.total_s:g} seconds"
        self._late = Failed(DeadlineExceeded.code, late, DeadlineExceeded.retryable)
        self._news.set()

    async def _relay(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            if self._stopped:
                return
            if self._late is not None:
                await self.fail(self._late)
                return
            heard, self._heard = self._heard, []
            frames = frames_of(heard, self._seq, self.claim.waited_s)
            if frames and not await self._push(frames):
                return
            if self._ended.is_set() and not self._heard:
                return
            if frames:
                await asyncio.sleep(_GATHER_S)

    async def _push(self, frames: Sequence[Frame]) -> bool:
        """Write frames; false when the claim is lost or the store stays away."""
        for pause in (*_PAUSES_S, None):
            try:
                pushed = await self._mailbox.push(self.claim, frames)
            except Unavailable as error:
                if pause is None:
                    _log.warning("host.frames_lost", request=self.claim.request.id, reason=error.message)
                    return False
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            else:
                self._seq = frames[-1].seq
                return pushed
        return False

    async def _free(self) -> None:
        if self._ended.is_set():
            return
        self._model.cancel(self._generation)
        try:
            await asyncio.wait_for(self._ended.wait(), _FREE_S)
        except TimeoutError:
            _log.error("engine.stuck", model=self.claim.request.model)
            await self._model.close()
