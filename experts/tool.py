"""Tools as experts: a tool that answers questions takes the last user message, and answers exactly or declines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from typing import Protocol

from core.calls import Call, Deadlines
from core.errors import ConfigurationError, Overloaded
from core.experts import ExpertSpec
from core.messages import Finish, FinishPiece, Piece, TextPiece, last_user_text
from core.usage import Usage
from experts.ports import Quote

THREADS = 4
ONE_CALL = Usage(calls=1)


@dataclass(frozen=True, slots=True)
class ToolAnswer:
    """What a tool answers; `answer_confidence` is in 0..1, and 1 for an exact tool."""

    text: str
    answer_confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class ToolDeclined:
    """Why a tool does not answer a question."""

    reason: str


class AnsweringTool(Protocol):
    """A tool that answers questions in words."""

    async def answer(self, question: str) -> ToolAnswer | ToolDeclined:
        """Return the answer, or why there is none; never guesses."""
        ...


class ThreadedTool:
    """Makes an answering tool of a function that computes: each question has a thread of its own, off the event loop.

    At most `THREADS` compute at once. A computation cannot be stopped, only left; when all are stuck, `Overloaded` is
    raised. The threads are daemons, so that one left behind does not keep the process from ending.
    """

    def __init__(self, function: Callable[[str], ToolAnswer | ToolDeclined], deadline_s: float = 5.0) -> None:
        """Decline what `function` does not answer within `deadline_s` seconds."""
        self._function = function
        self._deadline_s = deadline_s
        self._free = asyncio.Semaphore(THREADS)

    async def answer(self, question: str) -> ToolAnswer | ToolDeclined:
        """Return what the function answers, or a refusal when it takes too long."""
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._free.acquire()
        except TimeoutError:
            message = "the tool is busy with other questions; try again shortly"
            raise Overloaded(message, retry_after_s=self._deadline_s) from None
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[ToolAnswer | ToolDeclined] = loop.create_future()
        Thread(target=self._compute, args=(question, loop, answer), name="tool", daemon=True).start()
        try:
            async with asyncio.timeout(self._deadline_s):
                return await answer
        except TimeoutError:
            return ToolDeclined(f"it takes longer than {self._deadline_s:g} s to compute")

    def _compute(
        self, question: str, loop: asyncio.AbstractEventLoop, answer: asyncio.Future[ToolAnswer | ToolDeclined]
    ) -> None:
        found: ToolAnswer | ToolDeclined | Exception
        try:
            found = self._function(question)
        except Exception as error:  # noqa: BLE001  # raised again where the answer is awaited
            found = error
        # The loop may have ended while this went on.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._tell, answer, found)

    def _tell(
        self, answer: asyncio.Future[ToolAnswer | ToolDeclined], found: ToolAnswer | ToolDeclined | Exception
    ) -> None:
        self._free.release()
        if answer.done():
            return
        if isinstance(found, Exception):
            answer.set_exception(found)
        else:
            answer.set_result(found)


class ToolTransport:
    """Calls tools by the name that `ExpertSpec.target` gives. A call uses no tokens."""

    def __init__(self, tools: Mapping[str, AnsweringTool]) -> None:
        """Serve `tools`."""
        self._tools = tools

    async def stream(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> AsyncGenerator[Piece, None]:
        """Yield the answer as one piece and the end; the end says why when the tool declines."""
        del deadlines
        tool = self._tools.get(expert.target)
        if tool is None:
            raise ConfigurationError(f"expert {expert.name}: {self.unfit(expert)}")
        answer = await tool.answer(last_user_text(call.messages))
        if isinstance(answer, ToolDeclined):
            yield FinishPiece(Finish.STOP, ONE_CALL, declined=answer.reason, confidence=0.0)
            return
        yield TextPiece(answer.text)
        yield FinishPiece(Finish.STOP, ONE_CALL, confidence=answer.answer_confidence)

    async def quote(self, expert: ExpertSpec, call: Call) -> Quote:
        """Return what a call costs: no tokens, and the price a call."""
        del call
        return Quote(ONE_CALL, expert.price.cost(0, 0))

    def unfit(self, expert: ExpertSpec) -> str | None:
        """Return why the expert cannot be called as configured, or nothing."""
        return None if expert.target in self._tools else f"no tool {expert.target} is installed"
