"""The story of a run while it happens: numbered events go to whoever watches at once, and to the run log in batches."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace

import structlog

from core.answers import Answer
from core.clock import Clock
from core.errors import ConclaveError
from core.events import TRANSIENT, Event, EventKind
from core.messages import Json
from core.ports import RunLog
from core.runs import Run

_log = structlog.get_logger(__name__)
_WATCHER_LIMIT = 64
# Who follows a run by its record sees it this late; a short run is written once, at its end.
_GATHER_S = 0.1
_WORDS = frozenset({"answer", "leading", "text", "tool_call"})
_REASONS = frozenset({"declined", "error"})
_CODE = re.compile(r"[a-z_]{1,64}")


class Keeper:
    """Writes stories to the run log in the background; what people and experts said is kept only with `keep_words`."""

    def __init__(self, log: RunLog, *, keep_words: bool) -> None:
        """Write to `log`."""
        self._log = log
        self._keep_words = keep_words
        self._writing: set[asyncio.Task[None]] = set()

    def keep_soon(self, story: Story) -> None:
        """Have what is new in `story` written in the background: at once at its end, until then after a moment."""
        over = story.run.state.terminal
        if story.to_be_saved and not over:
            return
        story.to_be_saved = True
        task = asyncio.create_task(self._keep(story, 0.0 if over else _GATHER_S))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def aclose(self) -> None:
        """Wait until everything asked for is written."""
        await asyncio.gather(*self._writing)

    async def _keep(self, story: Story, after_s: float) -> None:
        await asyncio.sleep(after_s)
        async with story.saving:
            story.to_be_saved = False
            if story.saved:
                return
            events, story.unsaved = story.unsaved, []
            run = story.run
            try:
                if not story.begun:
                    await self._log.begin(story.first)
                    story.begun = True
                if events:
                    await self._log.append(events if self._keep_words else [without_words(e) for e in events])
                if run.state.terminal:
                    story.saved = True
                    await self._log.finish(run)
            except ConclaveError as error:
                # An unreachable log costs the record, never the answer.
                _log.warning("run.record_lost", run_id=run.id, events=len(events), code=error.error_code)


class Story:
    """One run's events. A watcher that reads slowly slows the run: at most 64 items wait for it."""

    def __init__(self, run: Run, keeper: Keeper, clock: Clock) -> None:
        """Tell of `run`; `keeper` writes it down."""
        self.first = self.run = run
        self.unsaved: list[Event] = []
        self.to_be_saved = self.begun = self.saved = False
        self.saving = asyncio.Lock()
        self._keeper = keeper
        self._clock = clock
        self._seq = 0
        self._deserted = False
        self._watched: asyncio.Queue[Event | Answer | ConclaveError] = asyncio.Queue(_WATCHER_LIMIT)

    async def tell(self, kind: EventKind, data: Mapping[str, Json]) -> None:
        """Add an event, waiting while the watcher is far behind."""
        transient = kind in TRANSIENT
        self._seq += not transient
        event = Event(self.run.id, 0 if transient else self._seq, kind, self._clock.now(), data)
        if not transient:
            self.unsaved.append(event)
        await self._show(event)

    async def conclude(self, end: Answer | ConclaveError) -> None:
        """Hand the watcher the end of the story: the answer, or why there is none."""
        await self._show(end)

    async def watch(self) -> AsyncGenerator[Event | Answer, None]:
        """Yield events as they happen, then the answer; raises the error that ended the run without one."""
        while True:
            item = await self._watched.get()
            if isinstance(item, ConclaveError):
                raise item
            yield item
            if isinstance(item, Answer):
                return

    def desert(self) -> None:
        """Say that nobody watches any more, so that nothing waits for a reader, or goes on waiting for one."""
        self._deserted = True
        self._forget()

    def save_soon(self) -> None:
        """Have what was told so far written down in the background."""
        self._keeper.keep_soon(self)

    async def _show(self, item: Event | Answer | ConclaveError) -> None:
        if not self._deserted:
            await self._watched.put(item)
        if self._deserted:
            # Makes room for the next that waits.
            self._forget()

    def _forget(self) -> None:
        while not self._watched.empty():
            self._watched.get_nowait()


def without_words(event: Event) -> Event:
    """Return an event with what people and experts said left out, and of reasons all but their code."""
    return replace(event, data=_stripped(event.data))


def _stripped(data: Mapping[str, Json]) -> dict[str, Json]:
    return {
        key: _code(value) if key in _REASONS else _without(value) for key, value in data.items() if key not in _WORDS
    }


def _without(value: Json) -> Json:
    if isinstance(value, Mapping):
        return _stripped(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_without(item) for item in value]
    return value


def _code(reason: Json) -> Json:
    """Return what came before the words of a reason, if anything: providers like to quote the question in theirs."""
    if not isinstance(reason, str):
        return reason
    code, colon, _ = reason.partition(": ")
    return code if colon and _CODE.fullmatch(code) else "withheld"
