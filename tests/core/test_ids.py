"""Promises about identifiers."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from core.clock import ManualClock
from core.ids import UlidSource


def test_ids_have_26_characters_and_later_ones_sort_later() -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    ids = UlidSource(clock, random.Random(1))

    first = ids.new()
    clock.advance(0.002)
    second = ids.new()

    assert len(first) == len(second) == 26
    assert first < second


def test_ids_of_one_moment_differ() -> None:
    ids = UlidSource(ManualClock(datetime(2026, 1, 1, tzinfo=UTC)))

    assert len({ids.new() for _ in range(1000)}) == 1000
