"""A mailbox in the memory of one event loop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from core.clock import Clock
from core.errors import Overloaded
from core.fairness import FairQueue
from core.hosting import Backlog, Claim, Frame, FrameKind, HostedRequest, Standing
from core.ids import HostId, ModelName, RequestId

_ATTEMPTS = 3
_OVER_S = 120.0
_STANDINGS = {"waiting": Standing.WAITING, "claimed": Standing.CLAIMED, "done": Standing.DONE}


@dataclass(slots=True, eq=False)
class _Entry:
    request: HostedRequest
    queued: float
    order: int
    state: str = "waiting"
    fence: int = 0
    attempt: int = 0
    lease_end: float = 0.0
    kept_until: float = 0.0
    frames: list[Frame] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def deadline(self) -> float:
        return self.queued + self.request.total_s


class MemoryMailbox:
    """The promises of the mailbox in Valkey, with time from a clock that tests may move."""

    def __init__(self, clock: Clock, limit: int = 1000) -> None:
        """Let at most `limit` requests wait for one model."""
        self._clock = clock
        self._limit = limit
        self._entries: dict[RequestId, _Entry] = {}
        self._waiting: dict[ModelName, FairQueue[_Entry]] = {}
        self._claimed: dict[ModelName, dict[RequestId, _Entry]] = {}
        self._submitted = 0
        self._forget_at = 1000

    async def submit(self, request: HostedRequest) -> bool:
        """Queue a request; return whether its mailbox was empty. Raises `Overloaded` when the mailbox is full."""
        self._forget()
        waiting = self._waiting.setdefault(request.model, FairQueue())
        if request.id in self._entries:
            return len(waiting) == 1
        if len(waiting) >= self._limit:
            raise Overloaded(f"{self._limit} requests wait for {request.model} already", retry_after_s=2.0)
        self._submitted += 1
        now = self._clock.monotonic()
        entry = _Entry(request, now, self._submitted, kept_until=now + request.total_s + _OVER_S)
        self._entries[request.id] = entry
        waiting.push(request.caller, _work(request), entry, batch=request.batch)
        return len(waiting) == 1

    async def claim(self, model: ModelName, host: HostId, count: int, lease_s: float) -> Sequence[Claim]:  # noqa: ARG002
        """Lease up to `count` waiting requests to a host, callers in turn; the fence tells hosts apart."""
        self._lapse_all(model)
        claims: list[Claim] = []
        while len(claims) < count and (entry := self._head(model)) is not None:
            self._waiting[model].pop()
            entry.state, entry.lease_end = "claimed", self._clock.monotonic() + lease_s
            entry.fence += 1
            entry.attempt += 1
            self._claimed.setdefault(model, {})[entry.request.id] = entry
            claims.append(Claim(entry.request, entry.fence, entry.attempt))
        return claims

    async def renew(self, host: HostId, claims: Sequence[Claim], lease_s: float) -> frozenset[RequestId]:  # noqa: ARG002
        """Extend the leases; return those the host must stop serving: cancelled, expired or taken by another."""
        for claim in claims:
            if (entry := self._held(claim)) is not None:
                entry.lease_end = self._clock.monotonic() + lease_s
        return frozenset(claim.request.id for claim in claims if self._held(claim) is None)

    async def push(self, claim: Claim, frames: Sequence[Frame]) -> bool:
        """Append frames to a result; return false, writing nothing, when the claim's fence is no longer the newest."""
        entry = self._held(claim)
        if entry is None:
            return False
        for frame in frames:
            if frame.seq > len(entry.frames) + 1:
                raise ValueError(f"frame {frame.seq} after {len(entry.frames)}")
            if frame.seq == len(entry.frames) + 1:
                entry.frames.append(frame)
        if frames and frames[-1].kind in (FrameKind.END, FrameKind.ERROR):
            self._close(entry, "done")
        _wake(entry)
        return True

    async def hand_back(self, claims: Sequence[Claim]) -> None:
        """Return requests without frames to the head of their mailbox, as a draining host does."""
        for claim in reversed(claims):
            entry = self._held(claim)
            if entry is not None and not entry.frames:
                entry.attempt -= 1
                self._back_to_head(entry)

    async def read(self, request: RequestId, after: int, wait_s: float) -> Sequence[Frame]:
        """Return frames numbered above `after`, waiting up to `wait_s` for the first."""
        entry = self._entries.get(request)
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while entry is None or len(entry.frames) <= after:
                    news = asyncio.Event() if entry is None else entry.news
                    await news.wait()
        return () if entry is None else tuple(entry.frames[after:])

    async def cancel(self, request: RequestId) -> None:
        """Take the request out, or tell its host to stop; idempotent."""
        entry = self._entries.get(request)
        if entry is None or entry.state not in ("waiting", "claimed"):
            return
        if entry.state == "waiting":
            self._take_out(entry)
        self._close(entry, "cancelled")
        entry.frames.clear()
        _wake(entry)

    async def standing(self, request: RequestId) -> Standing:
        """Return where a request stands; one that is cancelled or unknown is lost."""
        entry = self._entries.get(request)
        if entry is None:
            return Standing.LOST
        if entry.state == "claimed" and entry.lease_end <= self._clock.monotonic():
            self._lapse(entry)
        return _STANDINGS.get(entry.state, Standing.LOST)

    async def backlog(self) -> Sequence[Backlog]:
        """Return every model with waiting requests, the longest-waiting head first."""
        now, backlogs = self._clock.monotonic(), []
        for model, waiting in self._waiting.items():
            self._lapse_all(model)
            self._drop_unwanted(model)
            if waiting:
                backlogs.append(Backlog(model, len(waiting), now - min(entry.queued for entry in waiting)))
        return sorted(backlogs, key=lambda backlog: -backlog.oldest_s)

    async def aclose(self) -> None:
        """Nothing to close."""

    def _held(self, claim: Claim) -> _Entry | None:
        entry = self._entries.get(claim.request.id)
        return entry if entry is not None and entry.state == "claimed" and entry.fence == claim.fence else None

    def _head(self, model: ModelName) -> _Entry | None:
        self._drop_unwanted(model)
        waiting = self._waiting.get(model)
        return waiting.next()[1] if waiting else None

    def _drop_unwanted(self, model: ModelName) -> None:
        now = self._clock.monotonic()
        for entry in [entry for entry in self._waiting.get(model, ()) if entry.deadline <= now]:
            self._take_out(entry)
            self._close(entry, "lost")

    def _take_out(self, entry: _Entry) -> None:
        request = entry.request
        self._waiting[request.model].remove(request.caller, _work(request), entry, batch=request.batch)

    def _lapse_all(self, model: ModelName) -> None:
        now = self._clock.monotonic()
        lapsed = [entry for entry in self._claimed.get(model, {}).values() if entry.lease_end <= now]
        for entry in sorted(lapsed, key=lambda entry: -entry.order):
            self._lapse(entry)

    def _lapse(self, entry: _Entry) -> None:
        if entry.frames:
            self._fail(entry, "host_lost", "the host died with the answer unfinished; ask again", retryable=True)
        elif entry.attempt >= _ATTEMPTS:
            message = "every host that tried this request died; it is not tried again"
            self._fail(entry, "poison", message, retryable=False)
        else:
            self._back_to_head(entry)

    def _back_to_head(self, entry: _Entry) -> None:
        entry.state = "waiting"
        del self._claimed[entry.request.model][entry.request.id]
        request = entry.request
        self._waiting[request.model].push_back(request.caller, _work(request), entry, batch=request.batch)

    def _fail(self, entry: _Entry, code: str, message: str, *, retryable: bool) -> None:
        data = json.dumps({"code": code, "message": message, "retryable": retryable})
        entry.frames.append(Frame(len(entry.frames) + 1, FrameKind.ERROR, data))
        self._close(entry, "lost")
        _wake(entry)

    def _close(self, entry: _Entry, state: str) -> None:
        entry.state, entry.kept_until = state, self._clock.monotonic() + _OVER_S
        self._claimed.get(entry.request.model, {}).pop(entry.request.id, None)

    def _forget(self) -> None:
        if len(self._entries) < self._forget_at:
            return
        now = self._clock.monotonic()
        for entry in [entry for entry in self._entries.values() if entry.kept_until <= now]:
            del self._entries[entry.request.id]
            if entry.state == "waiting":
                self._take_out(entry)
            self._claimed.get(entry.request.model, {}).pop(entry.request.id, None)
        # Twice what is left: looking at every entry is paid for by as many submissions.
        self._forget_at = max(1000, 2 * len(self._entries))


def _work(request: HostedRequest) -> int:
    # What asks for nothing would never use up its caller's turn.
    return max(1, request.work_tokens)


def _wake(entry: _Entry) -> None:
    # Waiters look and wait on the next event: each news is its own.
    entry.news.set()
    entry.news = asyncio.Event()
