"""Whose request for a model is next: interactive before batch within a share, callers in turn, then arrival. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")

INTERACTIVE_PARTS = 4
"""Of the work served while both kinds wait, interactive requests get so many parts, and batches one."""


@dataclass(slots=True)
class _Caller(Generic[Item]):
    waiting: deque[tuple[float, Item]] = field(default_factory=deque)
    credit: float = 0.0
    in_turn: bool = False


class Round(Generic[Item]):
    """Deficit round robin between callers (Shreedhar and Varghese 1995), by worst-case work in seconds.

    A turn brings a caller the credit of the largest request seen, so a step is O(1), and of two callers who wait all
    the time neither is served more than twice that ahead of the other.
    """

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._callers: OrderedDict[str, _Caller[Item]] = OrderedDict()
        self._largest = 0.0
        self._size = 0

    def __len__(self) -> int:
        """Return how many requests wait."""
        return self._size

    def __iter__(self) -> Iterator[Item]:
        """Yield every item, in no order."""
        for caller in self._callers.values():
            for _, item in caller.waiting:
                yield item

    def push(self, caller: str, work_s: float, item: Item) -> None:
        """Add a request of `caller` behind its others."""
        if caller not in self._callers:
            self._callers[caller] = _Caller()
        self._callers[caller].waiting.append((work_s, item))
        self._largest = max(self._largest, work_s)
        self._size += 1

    def push_back(self, caller: str, work_s: float, item: Item) -> None:
        """Undo a `pop`: the request is next again, and its caller has not used the credit."""
        if caller not in self._callers:
            self._callers[caller] = _Caller()
        self._callers.move_to_end(caller, last=False)
        known = self._callers[caller]
        known.in_turn = True
        known.credit += work_s
        known.waiting.appendleft((work_s, item))
        self._largest = max(self._largest, work_s)
        self._size += 1

    def remove(self, caller: str, work_s: float, item: Item) -> None:
        """Take a request out that waits; it costs its caller nothing."""
        known = self._callers[caller]
        known.waiting.remove((work_s, item))
        self._size -= 1
        if not known.waiting:
            del self._callers[caller]

    def next(self) -> tuple[float, Item]:
        """Return work and item of whose turn it is, leaving it there; raises `StopIteration` when nobody waits."""
        while True:
            name, caller = next(iter(self._callers.items()))
            if not caller.in_turn:
                caller.in_turn = True
                caller.credit += self._largest
            if caller.credit >= caller.waiting[0][0]:
                return caller.waiting[0]
            self._pass_on(name, caller)

    def pop(self) -> tuple[float, Item]:
        """Take what `next` returns."""
        work_s, item = self.next()
        name, caller = next(iter(self._callers.items()))
        caller.waiting.popleft()
        caller.credit -= work_s
        self._size -= 1
        if not caller.waiting:
            # Credit is not saved up by those who ask for nothing.
            del self._callers[name]
        return work_s, item

    def _pass_on(self, name: str, caller: _Caller[Item]) -> None:
        caller.in_turn = False
        self._callers.move_to_end(name)


class FairQueue(Generic[Item]):
    """The requests that wait for one model.

    Interactive and batch requests share the work by start-time fair queueing: a strict priority would let a stream of
    questions keep a batch waiting for ever.
    """

    def __init__(self, interactive_parts: int = INTERACTIVE_PARTS) -> None:
        """Give interactive requests so many parts of the work, and batches one, while both kinds wait."""
        self._kinds: tuple[Round[Item], Round[Item]] = (Round(), Round())
        self._paces = (1, interactive_parts)
        self._virtual = [0.0, 0.0]
        self._now = 0.0

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._kinds[0]) + len(self._kinds[1])

    def __iter__(self) -> Iterator[Item]:
        """Yield every item, in no order."""
        yield from self._kinds[0]
        yield from self._kinds[1]

    def push(self, caller: str, work_s: float, item: Item, *, batch: bool = False) -> None:
        """Add a request."""
        kind = int(batch)
        if not self._kinds[kind]:
            # What a kind got while it was alone, or did not ask for, is neither owed nor due.
            self._virtual[kind] = max(self._virtual[kind], self._now)
        self._kinds[kind].push(caller, work_s, item)

    def push_back(self, caller: str, work_s: float, item: Item, *, batch: bool = False) -> None:
        """Undo a `pop`."""
        self._kinds[batch].push_back(caller, work_s, item)
        self._virtual[batch] -= work_s * self._paces[batch]

    def remove(self, caller: str, work_s: float, item: Item, *, batch: bool = False) -> None:
        """Take a request out that waits."""
        self._kinds[batch].remove(caller, work_s, item)

    def next(self) -> tuple[float, Item]:
        """Return work and item of the next request, leaving it there; raises `StopIteration` when none waits."""
        return self._kinds[self._kind()].next()

    def pop(self) -> tuple[float, Item]:
        """Take the next request; return its work and item."""
        kind = self._kind()
        work_s, item = self._kinds[kind].pop()
        self._now = self._virtual[kind]
        self._virtual[kind] += work_s * self._paces[kind]
        return work_s, item

    def _kind(self) -> int:
        interactive, batch = self._kinds
        if interactive and batch:
            return int(self._virtual[1] < self._virtual[0])
        return int(not interactive)
