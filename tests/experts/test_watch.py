"""Deadlines round every wait: each fires by its own name, and none touches anybody else's cancellation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.calls import Deadlines
from core.errors import DeadlineExceeded
from core.messages import Piece, TextPiece
from experts.watch import FIRST_TOKEN, IDLE, TOTAL, Watch

DEADLINES = Deadlines(first_token=0.05, idle=0.05, total=10.0)


async def silent_after(count: int) -> AsyncIterator[Piece]:
    for _ in range(count):
        yield TextPiece("x")
    await asyncio.Event().wait()


async def read_all(watch: Watch, pieces: AsyncIterator[Piece]) -> None:
    try:
        while await watch.next_of(pieces) is not None:
            pass
    finally:
        watch.close()


@pytest.mark.parametrize(("pieces", "code"), [(0, FIRST_TOKEN), (1, IDLE), (3, IDLE)])
async def test_silence_is_noticed_before_the_first_token_and_after_any(pieces: int, code: str) -> None:
    with pytest.raises(DeadlineExceeded) as caught:
        await read_all(Watch(DEADLINES, 10.0), silent_after(pieces))

    assert caught.value.error_code == code


async def test_the_total_deadline_ends_a_stream_that_never_falls_silent() -> None:
    async def chatty() -> AsyncIterator[Piece]:
        while True:
            await asyncio.sleep(0)
            yield TextPiece("x")

    with pytest.raises(DeadlineExceeded) as caught:
        await read_all(Watch(DEADLINES, 0.1), chatty())

    assert caught.value.error_code == TOTAL


async def test_a_first_token_deadline_longer_than_the_idle_one_does_not_delay_it() -> None:
    with pytest.raises(DeadlineExceeded) as caught:
        await asyncio.wait_for(read_all(Watch(Deadlines(first_token=60.0, idle=0.05), 60.0), silent_after(1)), 5.0)

    assert caught.value.error_code == IDLE


async def test_time_in_which_the_reader_is_slow_is_not_silence() -> None:
    watch = Watch(DEADLINES, 10.0)
    pieces = silent_after(2)
    await watch.next_of(pieces)
    slow = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.15, slow.set_result, None)
    await slow

    assert await watch.next_of(pieces) == TextPiece("x")
    watch.close()


async def test_a_cancellation_from_outside_stays_a_cancellation() -> None:
    task = asyncio.create_task(read_all(Watch(Deadlines(), 10.0), silent_after(1)))
    await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_deadline_leaves_its_task_uncancelled() -> None:
    with pytest.raises(DeadlineExceeded):
        await read_all(Watch(DEADLINES, 10.0), silent_after(0))

    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_source_that_swallows_the_cancellation_is_late_all_the_same() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "here I am"
        return ""

    watch = Watch(DEADLINES, 0.05)
    with pytest.raises(DeadlineExceeded):
        await watch.whole(stubborn())


async def test_the_end_of_a_stream_is_told_as_nothing() -> None:
    async def short() -> AsyncIterator[Piece]:
        yield TextPiece("x")

    watch, pieces = Watch(DEADLINES, 10.0), short()

    assert [await watch.next_of(pieces), await watch.next_of(pieces)] == [TextPiece("x"), None]
    watch.close()
