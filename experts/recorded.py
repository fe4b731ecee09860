"""Recorded experts: a question asked before is answered as a model once answered it, with the tokens it once took."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path

from core.calls import Call, Deadlines
from core.errors import ConfigurationError
from core.experts import ExpertSpec
from core.messages import Finish, FinishPiece, Piece, TextPiece, last_user_text
from core.money import Micros
from core.usage import Usage
from experts.ports import Quote
from experts.recording import RecordedItem, RecordedPool, read_pool

UNKNOWN = "the question is not in the recording"
UNANSWERED = "the recording holds no answer to it"


class RecordedTransport:
    """Answers from recordings. An expert's target is the model, and its option `pool` the folder.

    A question that is not in the recording is declined, and costs nothing.
    """

    def __init__(self, load: Callable[[Path], RecordedPool] = read_pool) -> None:
        """Read each folder once, in a thread, when it is first needed."""
        self._load = load
        self._pools: dict[Path, asyncio.Task[RecordedPool]] = {}

    async def stream(self, expert: ExpertSpec, call: Call, deadlines: Deadlines) -> AsyncGenerator[Piece, None]:
        """Yield what was recorded as one piece, and the end."""
        del deadlines
        pool = await self._pool(expert)
        item = _asked(pool, expert, call)
        if item is None:
            yield FinishPiece(Finish.STOP, Usage(calls=1), declined=UNKNOWN)
            return
        usage = item.outcomes[expert.target].usage
        text = pool.text_of(item, expert.target)
        if text is None:
            yield FinishPiece(Finish.STOP, usage, declined=UNANSWERED)
            return
        yield TextPiece(text)
        yield FinishPiece(Finish.STOP, usage)

    async def quote(self, expert: ExpertSpec, call: Call) -> Quote:
        """Return what the call took when it was recorded."""
        pool = await self._pool(expert)
        item = _asked(pool, expert, call)
        if item is None:
            return Quote(Usage(calls=1), Micros(0))
        outcome = item.outcomes[expert.target]
        if outcome.micros is not None:
            return Quote(outcome.usage, outcome.micros)
        price = expert.price if not expert.price.free else pool.prices.get(expert.target, expert.price)
        return Quote(outcome.usage, price.cost(outcome.usage.input_tokens, outcome.usage.output_tokens))

    def unfit(self, expert: ExpertSpec) -> str | None:
        """Return why the expert cannot be called as configured, or nothing."""
        return None if "pool" in dict(expert.options) else "it names no recorded pool; set options.pool to a folder"

    async def _pool(self, expert: ExpertSpec) -> RecordedPool:
        if (why := self.unfit(expert)) is not None:
            raise ConfigurationError(f"expert {expert.name}: {why}")
        folder = Path(dict(expert.options)["pool"])
        reading = self._pools.get(folder)
        if reading is None or (reading.done() and reading.exception() is not None):
            reading = self._pools[folder] = asyncio.create_task(asyncio.to_thread(self._load, folder))
        # Shielded, so that a caller who leaves does not take the recording from the others.
        return await asyncio.shield(reading)


def _asked(pool: RecordedPool, expert: ExpertSpec, call: Call) -> RecordedItem | None:
    item = pool.find(last_user_text(call.messages))
    return item if item is not None and expert.target in item.outcomes else None
