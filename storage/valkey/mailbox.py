"""Requests waiting for hosted models, and the results on their way back, in Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from core.errors import Overloaded
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
from storage.valkey.connection import Valkey
from storage.valkey.nudges import Nudges
from storage.valkey.scripts import Script

_SUBMIT, _SNAPSHOT, _GRANT, _RELEASE = Script("submit"), Script("snapshot"), Script("grant"), Script("release")
_CLAIM, _RENEW, _PUSH, _HAND_BACK = Script("claim"), Script("renew"), Script("push"), Script("hand_back")
_CANCEL, _STANDING = Script("cancel"), Script("standing")
_RESULT = "conclave:mail:result:"
_STANDINGS = {"waiting": Standing.WAITING, "claimed": Standing.CLAIMED, "done": Standing.DONE}
# A nudge is lost when the subscription is: a waiting reader looks again this often.
_LOOK_AGAIN_S = 1.0


class ValkeyMailbox:
    """A bounded mailbox for each model.

    Callers that wait for frames hold no connection: one subscription a process tells them when to look. A request
    is best read by the process that submitted it; another one sees news up to a second late.
    """

    def __init__(self, valkey: Valkey, limit: int = 1000) -> None:
        """Let at most `limit` requests wait for one model."""
        self._valkey = valkey
        self._limit = limit
        self._nudges = Nudges(valkey)

    async def submit(self, request: HostedRequest) -> bool:
        """Queue a request; return whether its mailbox was empty. Raises `Overloaded` when the mailbox is full."""
        answer = await self._valkey.run(
            _SUBMIT,
            (),
            (
                request.id,
                request.model,
                self._limit,
                request.body,
                request.caller,
                request.total_s,
                request.work_tokens,
                int(request.batch),
                self._nudges.channel,
            ),
        )
        if answer < 0:
            raise Overloaded(f"{self._limit} requests wait for {request.model} already", retry_after_s=2.0)
        return bool(answer)

    async def snapshot(self) -> Snapshot:
        """Return every model with waiting requests, and the version that a decision on it is good for."""
        version, *rows = await self._valkey.run(_SNAPSHOT, ())
        return Snapshot(int(version), tuple(sorted(map(_backlog, rows), key=lambda entry: -entry.oldest_s)))

    async def backlog(self) -> Sequence[Backlog]:
        """Return every model with waiting requests, the longest-waiting head first."""
        return (await self.snapshot()).backlog

    async def grant(self, model: ModelName, host: HostId, version: int, lease_s: float) -> Grant | None:
        """Give a host a turn for a model; nothing when the version has moved on: look and decide again."""
        fence = int(await self._valkey.run(_GRANT, (), (model, host, version, _ms(lease_s))))
        return Grant(model, host, fence) if fence else None

    async def claim(self, grant: Grant, count: int, lease_s: float, terms: Terms = EVERYTHING) -> Claims:
        """Lease up to `count` waiting requests to the host of a grant, callers in turn."""
        quantum = -1 if terms.quantum_tokens is None else terms.quantum_tokens
        arguments = (*_turn(grant), count, _ms(lease_s), terms.policy, quantum, *sorted(terms.rivals))
        over, *rows = await self._valkey.run(_CLAIM, (), arguments)
        return Claims(tuple(_claim(grant.model, row) for row in rows), bool(over))

    async def renew(self, grant: Grant, claims: Sequence[Claim], lease_s: float) -> Renewal:
        """Extend a grant and its leases; tell which claims were cancelled, expired or taken by another host."""
        named = tuple(part for claim in claims for part in (claim.request.id, claim.fence))
        stands, *stop = await self._valkey.run(_RENEW, (), (*_turn(grant), _ms(lease_s), *named))
        return Renewal(frozenset(map(RequestId, stop)), bool(stands))

    async def release(self, grant: Grant) -> None:
        """End a turn: the model's turn clock is set to now. Claims that are not over yet keep their leases."""
        await self._valkey.run(_RELEASE, (), _turn(grant))

    async def push(self, claim: Claim, frames: Sequence[Frame]) -> bool:
        """Append frames to a result; return false, writing nothing, when the claim's fence is no longer the newest."""
        numbered = [part for frame in frames for part in (frame.seq, f"{frame.kind.value}:{frame.data}")]
        over = bool(frames) and frames[-1].kind in (FrameKind.END, FrameKind.ERROR)
        return bool(await self._valkey.run(_PUSH, (), (claim.request.id, claim.fence, int(over), *numbered)))

    async def hand_back(self, claims: Sequence[Claim]) -> None:
        """Return requests without frames to the head of their mailbox, as a draining host does."""
        if claims:
            await self._valkey.run(_HAND_BACK, (), _named(claims))

    async def read(self, request: RequestId, after: int, wait_s: float) -> Sequence[Frame]:
        """Return frames numbered above `after`, waiting up to `wait_s` for the first."""
        if wait_s <= 0:
            return await self._frames(request, after)
        deadline = asyncio.get_running_loop().time() + wait_s
        with self._nudges.watch(request) as news:
            await self._nudges.ready(min(wait_s, _LOOK_AGAIN_S))
            while True:
                news.clear()
                frames = await self._frames(request, after)
                left = deadline - asyncio.get_running_loop().time()
                if frames or left <= 0:
                    return frames
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(left, _LOOK_AGAIN_S)):
                        await news.wait()

    async def cancel(self, request: RequestId) -> None:
        """Take the request out, or tell its host to stop; idempotent."""
        await self._valkey.run(_CANCEL, (), (request,))

    async def standing(self, request: RequestId) -> Standing:
        """Return where a request stands; one that is cancelled or unknown is lost.

        A claimed request whose lease ran out goes back to the head of its mailbox when nothing of it was shown and
        it was tried less than three times; otherwise it is lost, and its result ends with an error.
        """
        return _STANDINGS.get(await self._valkey.run(_STANDING, (), (request,)), Standing.LOST)

    async def aclose(self) -> None:
        """Stop listening for news."""
        await self._nudges.aclose()

    async def _frames(self, request: RequestId, after: int) -> Sequence[Frame]:
        texts = await self._valkey.command("LRANGE", f"{_RESULT}{request}", after, -1)
        return [_frame(after + number, text) for number, text in enumerate(texts, start=1)]


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


def _named(claims: Sequence[Claim]) -> tuple[str | int, ...]:
    return tuple(part for claim in claims for part in (claim.request.model, claim.request.id, claim.fence))


def _turn(grant: Grant) -> tuple[str | int, ...]:
    return grant.model, grant.host, grant.fence


def _backlog(row: Sequence[Any]) -> Backlog:
    model, waiting, oldest_ms, since_ms, work, *hosts = row
    return Backlog(
        ModelName(model), int(waiting), int(oldest_ms) / 1000, int(since_ms) / 1000, int(work), tuple(sorted(hosts))
    )


def _claim(model: ModelName, row: Sequence[Any]) -> Claim:
    request_id, fence, attempt, body, caller, total_s, work, batch, waited_ms = row
    request = HostedRequest(RequestId(request_id), model, body, caller, float(total_s), int(work), batch == "1")
    return Claim(request, int(fence), int(attempt), int(waited_ms) / 1000)


def _frame(seq: int, text: str) -> Frame:
    kind, _, data = text.partition(":")
    return Frame(seq, FrameKind(kind), data)
