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
from core.hosting import (
    EVERYTHING,
    Backlog,
    Claim,
    Claims,
    Frame,
    FrameKind,
    Grant,
    HostedRequest,
    Renewal,
    Snapshot,
    Standing,
    Terms,
)
from core.ids import HostId, ModelName, RequestId
from core.scheduling import POLICIES, Turn, Waiting, next_model

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


@dataclass(slots=True)
class _Turn:
    """A grant that stands, and the work it claimed."""

    fence: int
    lease_end: float
    claimed: int = 0


@dataclass(slots=True)
class _Box:
    """The mailbox of one model."""

    model: ModelName
    waiting: FairQueue[_Entry] = field(default_factory=FairQueue)
    claimed: dict[RequestId, _Entry] = field(default_factory=dict)
    since: float = 0.0
    fence: int = 0
    turns: dict[HostId, _Turn] = field(default_factory=dict)

    @property
    def head(self) -> float:
        return min(entry.queued for entry in self.waiting)


class MemoryMailbox:
    """The promises of the mailbox in Valkey, with time from a clock that tests may move."""

    def __init__(self, clock: Clock, limit: int = 1000) -> None:
        """Let at most `limit` requests wait for one model."""
        self._clock = clock
        self._limit = limit
        self._entries: dict[RequestId, _Entry] = {}
        self._boxes: dict[ModelName, _Box] = {}
        self._version = 0
        self._submitted = 0
        self._forget_at = 1000

    async def submit(self, request: HostedRequest) -> bool:
        """Queue a request; return whether its mailbox was empty. Raises `Overloaded` when the mailbox is full."""
        self._forget()
        box = self._box(request.model)
        if request.id in self._entries:
            return len(box.waiting) == 1
        if len(box.waiting) >= self._limit:
            raise Overloaded(f"{self._limit} requests wait for {request.model} already", retry_after_s=2.0)
        self._submitted += 1
        now = self._clock.monotonic()
        entry = _Entry(request, now, self._submitted, kept_until=now + request.total_s + _OVER_S)
        self._entries[request.id] = entry
        if not box.waiting:
            box.since = max(box.since, now)
        box.waiting.push(request.caller, request.work_tokens, entry, batch=request.batch)
        return len(box.waiting) == 1

    async def snapshot(self) -> Snapshot:
        """Return every model with waiting requests, and the version that a decision on it is good for."""
        now, backlog = self._clock.monotonic(), list[Backlog]()
        for box in self._boxes.values():
            self._lapse_all(box)
            self._drop_unwanted(box)
            if box.waiting:
                work = sum(entry.request.work_tokens for entry in box.waiting)
                ages = now - box.head, now - box.since
                backlog.append(Backlog(box.model, len(box.waiting), *ages, work, tuple(sorted(box.turns))))
        return Snapshot(self._version, tuple(sorted(backlog, key=lambda entry: -entry.oldest_s)))

    async def backlog(self) -> Sequence[Backlog]:
        """Return every model with waiting requests, the longest-waiting head first."""
        return (await self.snapshot()).backlog

    async def grant(self, model: ModelName, host: HostId, version: int, lease_s: float) -> Grant | None:
        """Give a host a turn for a model; nothing when the version has moved on: look and decide again."""
        if version != self._version:
            return None
        box = self._box(model)
        box.fence += 1
        self._version += 1
        box.turns[host] = _Turn(box.fence, self._clock.monotonic() + lease_s)
        return Grant(model, host, box.fence)

    async def claim(self, grant: Grant, count: int, lease_s: float, terms: Terms = EVERYTHING) -> Claims:
        """Lease up to `count` waiting requests to the host of a grant, callers in turn."""
        box = self._box(grant.model)
        self._lapse_all(box)
        turn = self._standing_turn(grant)
        claims: list[Claim] = []
        while turn is not None and len(claims) < count:
            self._drop_unwanted(box)
            if not box.waiting:
                return Claims(tuple(claims), over=False)
            work, entry = box.waiting.next()
            if not self._goes_on(box, turn, int(work), entry, terms):
                return Claims(tuple(claims), over=True)
            claims.append(self._take(box, entry, lease_s))
            turn.claimed += int(work)
        return Claims(tuple(claims), over=turn is None)

    async def renew(self, grant: Grant, claims: Sequence[Claim], lease_s: float) -> Renewal:
        """Extend a grant and its leases; tell which claims were cancelled, expired or taken by another host."""
        lease_end = self._clock.monotonic() + lease_s
        self._lapse_all(self._box(grant.model))
        turn = self._standing_turn(grant)
        if turn is not None:
            turn.lease_end = lease_end
        for claim in claims:
            if (entry := self._held(claim)) is not None:
                entry.lease_end = lease_end
        stop = frozenset(claim.request.id for claim in claims if self._held(claim) is None)
        return Renewal(stop, stands=turn is not None)

    async def release(self, grant: Grant) -> None:
        """End a turn: the model's turn clock is set to now. Claims that are not over yet keep their leases."""
        if self._standing_turn(grant) is not None:
            box = self._box(grant.model)
            del box.turns[grant.host]
            box.since = self._clock.monotonic()
            self._version += 1

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

    async def aclose(self) -> None:
        """Nothing to close."""

    def _held(self, claim: Claim) -> _Entry | None:
        entry = self._entries.get(claim.request.id)
        return entry if entry is not None and entry.state == "claimed" and entry.fence == claim.fence else None

    def _box(self, model: ModelName) -> _Box:
        return self._boxes.setdefault(model, _Box(model))

    def _standing_turn(self, grant: Grant) -> _Turn | None:
        turn = self._box(grant.model).turns.get(grant.host)
        return turn if turn is not None and turn.fence == grant.fence else None

    def _goes_on(self, box: _Box, turn: _Turn, work: int, entry: _Entry, terms: Terms) -> bool:
        policy = POLICIES[terms.policy]
        others = [
            Waiting(other.model, other.since, other.head)
            for other in self._boxes.values()
            if other is not box and other.waiting and not other.turns and other.model in terms.rivals
        ]
        rival = next((other for other in others if other.model == next_model(others, policy)), None)
        quantum = float("inf") if terms.quantum_tokens is None else terms.quantum_tokens
        return policy.goes_on(Turn(turn.claimed, quantum), work, entry.queued, rival)

    def _take(self, box: _Box, entry: _Entry, lease_s: float) -> Claim:
        now = self._clock.monotonic()
        box.waiting.pop()
        entry.state, entry.lease_end = "claimed", now + lease_s
        entry.fence += 1
        entry.attempt += 1
        box.claimed[entry.request.id] = entry
        return Claim(entry.request, entry.fence, entry.attempt, now - entry.queued)

    def _drop_unwanted(self, box: _Box) -> None:
        now = self._clock.monotonic()
        for entry in [entry for entry in box.waiting if entry.deadline <= now]:
            self._take_out(entry)
            self._close(entry, "lost")

    def _take_out(self, entry: _Entry) -> None:
        request = entry.request
        self._box(request.model).waiting.remove(request.caller, request.work_tokens, entry, batch=request.batch)

    def _lapse_all(self, box: _Box) -> None:
        now = self._clock.monotonic()
        for host in [host for host, turn in box.turns.items() if turn.lease_end <= now]:
            del box.turns[host]
            self._version += 1
        lapsed = [entry for entry in box.claimed.values() if entry.lease_end <= now]
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
        request = entry.request
        box = self._box(request.model)
        del box.claimed[request.id]
        box.waiting.push_back(request.caller, request.work_tokens, entry, batch=request.batch)

    def _fail(self, entry: _Entry, code: str, message: str, *, retryable: bool) -> None:
        data = json.dumps({"code": code, "message": message, "retryable": retryable})
        entry.frames.append(Frame(len(entry.frames) + 1, FrameKind.ERROR, data))
        self._close(entry, "lost")
        _wake(entry)

    def _close(self, entry: _Entry, state: str) -> None:
        entry.state, entry.kept_until = state, self._clock.monotonic() + _OVER_S
        self._box(entry.request.model).claimed.pop(entry.request.id, None)

    def _forget(self) -> None:
        if len(self._entries) < self._forget_at:
            return
        now = self._clock.monotonic()
        for entry in [entry for entry in self._entries.values() if entry.kept_until <= now]:
            del self._entries[entry.request.id]
            if entry.state == "waiting":
                self._take_out(entry)
            self._box(entry.request.model).claimed.pop(entry.request.id, None)
        # Twice what is left: looking at every entry is paid for by as many submissions.
        self._forget_at = max(1000, 2 * len(self._entries))


def _wake(entry: _Entry) -> None:
    # Waiters look and wait on the next event: each news is its own.
    entry.news.set()
    entry.news = asyncio.Event()
