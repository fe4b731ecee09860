"""Trimming rare experts from a batch, as Symbolic-MoE does before it loads any model."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import ExpertName
from routing.recruiters.symbolic import Panel, trimmed

EXPERTS = tuple(ExpertName(name) for name in ("a", "b", "c", "rare"))
A, B, C, RARE = EXPERTS

batches = st.lists(st.lists(st.sampled_from(EXPERTS), min_size=1, max_size=5).map(tuple), max_size=60)


def test_the_seats_of_a_rare_expert_go_to_the_others_by_their_counts() -> None:
    panels: list[Panel] = [*[(A, A, B)] * 900, *[(RARE, A, B)] * 100]

    after = trimmed(panels, EXPERTS, random.Random(1))

    given_to = Counter(panel[0] for panel in after[900:])
    assert RARE not in given_to
    # They held 1900 and 1000 seats: 65.5 of 100, give or take four standard deviations.
    assert given_to[A] == pytest.approx(65.5, abs=19)
    assert after[:900] == panels[:900]


def test_an_expert_with_its_share_of_seats_stays() -> None:
    panels: list[Panel] = [*[(A,)] * 95, *[(B,)] * 5]

    assert trimmed(panels, EXPERTS, random.Random(1)) == panels


def test_where_nobody_holds_enough_all_stay() -> None:
    panels: list[Panel] = [(A, B, C)]

    assert trimmed(panels, EXPERTS, random.Random(1), least=0.5) == panels


@given(batches, st.integers(0, 2**16))
def test_no_panel_changes_its_size_and_only_rare_seats_change(panels: list[Panel], seed: int) -> None:
    after = trimmed(panels, EXPERTS, random.Random(seed))

    held = Counter(expert for panel in panels for expert in panel)
    frequent = {expert for expert, count in held.items() if count >= 0.05 * held.total()}
    assert [len(panel) for panel in after] == [len(panel) for panel in panels]
    for before, now in zip(panels, after, strict=True):
        assert all(old == new or old not in frequent for old, new in zip(before, now, strict=True))
    assert {expert for panel in after for expert in panel} <= frequent
