"""A caller of hosted models, as experts/hosted is one: submits requests and reads what comes back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from itertools import count
from typing import Any

from core.hosting import Frame, FrameKind, HostedRequest
from core.ids import ModelName, RequestId
from core.ports import Mailbox
from workers.hosting.host import Host

# Two hosts and their engines share two cores with whatever else runs.
_WAIT_S = 150.0


class Desk:
    """Asks models of a mailbox."""

    def __init__(self, mailbox: Mailbox, hosts: Sequence[Host] = ()) -> None:
        """Ring `hosts` at every request."""
        self.mailbox = mailbox
        self._hosts = hosts
        self._rings: set[asyncio.Task[None]] = set()
        self._numbers = count(1)

    async def submit(self, model: str, content: str, *, total_s: float = 60.0, **options: Any) -> RequestId:
        """Queue a request; `options` go into its body."""
        body = {"messages": [{"role": "user", "content": content}], "max_tokens": 24, "temperature": 0, **options}
        request = RequestId(f"request-{next(self._numbers)}")
        await self.mailbox.submit(HostedRequest(request, ModelName(model), json.dumps(body), "me", total_s, 500))
        for host in self._hosts:
            ring = asyncio.create_task(host.take_turns())
            self._rings.add(ring)
            ring.add_done_callback(self._rings.discard)
        return request

    async def frames(self, request: RequestId) -> AsyncIterator[Frame]:
        """The frames of a result as they come, the last included."""
        seen = 0
        async with asyncio.timeout(_WAIT_S):
            while True:
                for frame in await self.mailbox.read(request, seen, 1.0):
                    seen = frame.seq
                    yield frame
                    if frame.kind in (FrameKind.END, FrameKind.ERROR):
                        return

    async def result(self, request: RequestId) -> list[Frame]:
        """All frames of a result."""
        return [frame async for frame in self.frames(request)]

    async def ask(self, model: str, content: str, **options: Any) -> list[Frame]:
        """Submit and read to the end."""
        return await self.result(await self.submit(model, content, **options))

    async def begun(self, request: RequestId) -> None:
        """Wait until something of the result was shown."""
        async for _ in self.frames(request):
            return


def text_of(frames: list[Frame]) -> str:
    """What a result says."""
    return "".join(frame.data for frame in frames if frame.kind is FrameKind.TEXT)


def ending_of(frames: list[Frame]) -> dict[str, Any]:
    """The data of the last frame, with its kind."""
    return {"kind": frames[-1].kind.value, **json.loads(frames[-1].data)}
