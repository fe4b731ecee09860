"""Writes asked for at once share a round trip, keep their order, and fail alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from core.errors import Overloaded
from storage.coalescing import Coalescer


class Store:
    """Answers each number with its double, refuses negative ones, and remembers its batches."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def commit(self, items: Sequence[int]) -> list[int | BaseException]:
        self.batches.append(list(items))
        await self.open.wait()
        if 13 in items:
            raise RuntimeError("the whole batch")
        return [ValueError(item) if item < 0 else 2 * item for item in items]


async def test_what_is_asked_for_at_once_is_one_batch() -> None:
    store = Store()
    coalescer = Coalescer(store.commit)

    answers = await asyncio.gather(*map(coalescer.submit, range(5)))

    assert answers == [0, 2, 4, 6, 8]
    assert store.batches == [[0, 1, 2, 3, 4]]


async def test_the_next_batch_gathers_while_one_is_under_way() -> None:
    store = Store()
    coalescer = Coalescer(store.commit, most=2)
    store.open.clear()
    tasks = [asyncio.create_task(coalescer.submit(item)) for item in range(5)]
    await asyncio.sleep(0)
    store.open.set()

    await asyncio.gather(*tasks)

    assert store.batches == [[0, 1], [2, 3], [4]]


async def test_one_refusal_is_its_own_and_a_failed_batch_everybodys() -> None:
    coalescer = Coalescer(Store().commit)

    mixed = await asyncio.gather(*map(coalescer.submit, (1, -1)), return_exceptions=True)
    failed = await asyncio.gather(*map(coalescer.submit, (1, 13)), return_exceptions=True)

    assert [type(answer) for answer in mixed] == [int, ValueError]
    assert [type(answer) for answer in failed] == [RuntimeError, RuntimeError]


async def test_draining_waits_for_what_was_left_and_no_longer() -> None:
    store, lost = Store(), list[BaseException]()
    coalescer = Coalescer(store.commit, most=1, lost=lost.extend)
    coalescer.leave(1)
    coalescer.leave(-2)
    draining = asyncio.create_task(coalescer.drain())
    await asyncio.sleep(0)
    coalescer.leave(3)

    await draining
    seen = list(store.batches)
    await coalescer.drain()

    assert seen[:2] == [[1], [-2]]
    assert store.batches == [[1], [-2], [3]]
    assert [type(error) for error in lost] == [ValueError]


async def test_more_than_may_wait_is_refused() -> None:
    store = Store()
    coalescer = Coalescer(store.commit, waiting=2)
    coalescer.leave(1)
    coalescer.leave(2)

    with pytest.raises(Overloaded):
        coalescer.leave(3)

    await coalescer.drain()


async def test_a_caller_that_left_does_not_disturb_the_others() -> None:
    store = Store()
    coalescer = Coalescer(store.commit)
    store.open.clear()
    impatient, patient = (asyncio.create_task(coalescer.submit(item)) for item in (1, 2))
    await asyncio.sleep(0)

    impatient.cancel()
    store.open.set()

    assert await patient == 4
