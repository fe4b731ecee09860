"""A slate of experts with plain numbers, and what a recruiter might have chosen from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.decision import Seat
from core.experts import ExpertSpec
from core.ids import ExpertName
from core.money import Micros
from routing.readings import Vectors, nothing_read
from routing.slate import Choice, Slate
from tests.routing.pool import profile, profile_set, slate, spec


def laid_out(
    specs: Sequence[ExpertSpec], *, k: int = 3, budget: int | None = None, topic: Sequence[float] | None = None
) -> Slate:
    """Return a slate of the specs, unmeasured, for a query about `topic`."""
    laid = slate(profile_set(profile("nobody")), {}, specs, k=k, budget=budget)
    return laid if topic is None else replace(laid, readings=replace(nothing_read(), vectors=facing(*topic)[None]))


def facing(*numbers: float) -> Vectors:
    """Return a unit vector in a direction."""
    vector = np.array(numbers, np.float32)
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


def choice(qualities: Mapping[str, float], panel: Sequence[str], *, costs: Mapping[str, int] | None = None) -> Choice:
    """Return the choice of `panel`, everybody else passed, best first; scores are expected qualities."""
    seats = {
        name: Seat(ExpertName(name), quality, quality, Micros((costs or {}).get(name, 0)), "measured")
        for name, quality in qualities.items()
    }
    passed = sorted((seat for name, seat in seats.items() if name not in panel), key=lambda seat: -seat.score)
    return Choice(tuple(seats[name] for name in panel), tuple(passed), max(seats[name].score for name in panel))


def seated(chosen: Choice) -> list[str]:
    """Return who has a seat, once a seat."""
    return [seat.expert for seat in chosen.panel]


def specs_of(*families: str) -> list[ExpertSpec]:
    """Return one expert for each family, named a, b, c and so on, each on hosts of its own."""
    return [spec("abcdefghijklmnop"[at], family=family) for at, family in enumerate(families)]
