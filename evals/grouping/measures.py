"""What is read off an outcome: fairness between callers, and the work of a caller's own that was ahead of a request."""

from __future__ import annotations

from collections.abc import Sequence

from evals.grouping.machine import Ask


def jain(asks: Sequence[Ask], claimed: Sequence[float]) -> float:
    """Return Jain's index over the work each caller got while all of them had something waiting."""
    last: dict[str, float] = {}
    for ask, at in zip(asks, claimed, strict=True):
        last[ask.caller] = max(last.get(ask.caller, 0.0), at)
    until, since = min(last.values()), max(min(a.arrived for a in asks if a.caller == name) for name in last)
    got = dict.fromkeys(last, 0.0)
    for ask, at in zip(asks, claimed, strict=True):
        if since <= at <= until:
            got[ask.caller] += ask.work_s
    total, squares = sum(got.values()), sum(value**2 for value in got.values())
    return total**2 / (len(got) * squares) if squares else 1.0


def ahead_s(asks: Sequence[Ask], claimed: Sequence[float], number: int) -> float:
    """Return the worst-case work of the caller's own requests that waited before this one, itself included."""
    ask = asks[number]
    return sum(
        other.worst_s
        for at, other in enumerate(asks[: number + 1])
        if (other.model, other.caller) == (ask.model, ask.caller) and (at == number or claimed[at] > ask.arrived)
    )
