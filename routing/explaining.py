"""One readable line a candidate, with the numbers it rests on."""

from __future__ import annotations

from typing import Final

from core.experts import Kind
from core.money import to_usd
from routing.slate import Slate

_GRADES: Final = ((0.8, "strong"), (0.6, "good"), (0.4, "fair"), (0.0, "weak"))


def standing(slate: Slate, at: int) -> str:
    """Return what the profile says of a candidate on the heaviest skill it was asked about, and what it costs.

    For example `strong on percentages (35 of 40 in profile 7f3a), about $0.0003`.
    """
    return f"{_record(slate, at)}, {price(slate, at)}"


def price(slate: Slate, at: int) -> str:
    """Return what one call of a candidate is expected to cost."""
    cost = int(slate.costs[at])
    return "free" if cost == 0 else f"about ${to_usd(cost):.6f}".rstrip("0").rstrip(".")


def _record(slate: Slate, at: int) -> str:
    sure = bool(slate.sure[at])
    for row in _by_weight(slate):
        wins, losses, declined = (int(counts[row, at]) for counts in (slate.wins, slate.losses, slate.declined))
        # Where the screen has said yes, what was declined says nothing: only answers count.
        if wins + losses + (0 if sure else declined):
            return _judged(slate, at, f"on {slate.tags[row].name}", wins, losses, 0 if sure else declined)
    wins, losses, declined = (int(count) for count in slate.overall[:, at])
    if not wins + losses + declined:
        return "never measured"
    where = "where it answers" if sure else "overall" if not slate.tags else f"overall, unseen on {slate.tags[0].name}"
    return _judged(slate, at, where, wins, losses, 0 if sure else declined)


def _by_weight(slate: Slate) -> list[int]:
    return sorted(range(len(slate.tags)), key=lambda row: -slate.tags[row].weight)


def _judged(slate: Slate, at: int, where: str, wins: int, losses: int, declined: int) -> str:
    profile = f"in profile {slate.profile_version}"
    answered, asked = wins + losses, wins + losses + declined
    if declined > answered:
        return f"declines {where} ({declined} of {asked} {profile})"
    rate = wins / answered
    grade = next(name for least, name in _GRADES if rate >= least)
    if rate == 1.0 and slate.candidates[at].spec.kind is Kind.TOOL:
        grade = "exact"
    return f"{grade} {where} ({wins} of {answered} {profile})"
