"""Consistency of panels and hit rates of caches: worked by hand, and the clairvoyant cache is the best there is."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.routing.residency import (
    Panels,
    Policy,
    distinct_experts,
    hit_rate,
    segment_hit_rate,
    segment_routing,
)

panels = st.lists(st.frozensets(st.sampled_from("abcde"), min_size=1, max_size=3), min_size=1, max_size=25)
slots = st.integers(1, 5)


def most_hits(requests: Panels, room: int) -> int:
    """Try every cache that keeps the panel it served, or as much of it as fits."""
    hits: dict[frozenset[str], int] = {frozenset(): 0}
    for panel in map(frozenset, requests):
        after: dict[frozenset[str], int] = {}
        for held, so_far in hits.items():
            others = held - panel
            free = min(len(others), room - len(panel))
            kept = (
                [panel.union(some) for some in combinations(sorted(others), free)]
                if free >= 0
                else [frozenset(some) for some in combinations(sorted(panel), room)]
            )
            for cache in kept:
                after[cache] = max(after.get(cache, 0), so_far + len(held & panel))
        hits = after
    return max(hits.values())


def test_experts_are_counted_once() -> None:
    assert distinct_experts([{"a", "b"}, {"b"}, set()]) == 2
    assert distinct_experts([]) == 0


def test_srp_is_the_best_f1_of_the_thresholds() -> None:
    # Segments aa, ab, ba use an expert 6 times in all. Groups of those used at all have 5 members and cover all 6:
    # F1 = 12 / (2 x 5 + 6) = 0.75. Groups of those used twice have 1 and cover 2: F1 = 4 / (2 + 6) = 0.5.
    found = segment_routing(["a", "a", "b", "a"], 2)

    assert found.performance == pytest.approx(0.75)
    assert found.size_ratio == pytest.approx(10 / 6)


def test_srp_drops_what_is_used_once_in_a_while() -> None:
    # The one segment of 4 uses a 4 times and b, c, d once: alone, a has F1 = 8 / (4 + 7); all have 14 / (16 + 7).
    found = segment_routing(["ab", "ac", "ad", "a"], 4)

    assert found.performance == pytest.approx(8 / 11)
    assert found.size_ratio == pytest.approx(4 / 7)


def test_a_segment_that_does_not_fit_is_refused() -> None:
    for m in (0, 3):
        with pytest.raises(ValueError, match="segment"):
            segment_routing(["a", "b"], m)


@pytest.mark.parametrize(
    ("policy", "hits"),
    [
        (Policy.LRU, 1),  # c pushes a out, which comes next
        (Policy.LFU, 2),  # c pushes b out, which was used once and a twice
        (Policy.CLAIRVOYANT, 2),
    ],
)
def test_each_policy_evicts_by_its_own_measure(policy: Policy, hits: int) -> None:
    assert hit_rate("aabca", 2, policy) == pytest.approx(hits / 5)


def test_of_the_equally_often_used_the_least_recent_goes() -> None:
    # c pushes b out, the older of two that were used once.
    assert hit_rate("baca", 2, Policy.LFU) == pytest.approx(1 / 4)


def test_only_the_clairvoyant_cache_keeps_what_comes_soonest() -> None:
    # At c it drops b, which comes after a; the others drop a, then b, and never hit.
    assert [hit_rate("abcab", 2, policy) for policy in Policy] == pytest.approx([0, 0, 0.2])


def test_a_panel_does_not_evict_its_own_members() -> None:
    # Called one by one, c would push a out just before the call of a.
    assert hit_rate(["ab", "ca"], 2, Policy.LRU) == pytest.approx(1 / 4)


def test_a_panel_that_does_not_fit_leaves_only_members() -> None:
    assert hit_rate(["x", "abc", "x"], 2, Policy.CLAIRVOYANT) == 0
    assert hit_rate(["x", "ab", "x"], 2, Policy.CLAIRVOYANT) == 0
    assert hit_rate(["x", "a", "x"], 2, Policy.CLAIRVOYANT) == pytest.approx(1 / 3)


def test_sch_sees_only_its_segment() -> None:
    # Two slots. At c the next request uses a and not b, so b goes, and a hits.
    assert segment_hit_rate("abcab", 1, rho=2.0) == pytest.approx(0.2)
    # At c the next request uses neither, so the older one goes: a, which is missed at the end, or b, and then a hits.
    # Two requests ahead it sees a.
    assert segment_hit_rate("abcda", 1, rho=2.0) == 0
    assert segment_hit_rate("abcda", 2, rho=2.0) == pytest.approx(0.2)
    assert segment_hit_rate("bacda", 1, rho=2.0) == pytest.approx(0.2)


def test_the_cache_of_sch_is_a_multiple_of_the_mean_panel() -> None:
    # Panels of 1.5: rho 1 gives 1.5 slots, rounded to 2, which miss a, b and c once each; rho 0.5 gives one slot.
    assert segment_hit_rate(["ab", "b", "ab", "c"], 1, rho=1.0) == pytest.approx(3 / 6)
    assert segment_hit_rate(["ab", "b", "ca", "b"], 1, rho=0.5) == pytest.approx(1 / 6)


def test_without_a_call_there_is_no_rate() -> None:
    for nothing in ([], [set[str]()]):
        assert math.isnan(hit_rate(nothing, 1, Policy.LRU))
        assert math.isnan(segment_hit_rate(nothing, 4, 2.0))
    assert math.isnan(segment_routing([set[str]()], 1).performance)


def test_a_cache_without_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="slot"):
        hit_rate("ab", 0, Policy.LRU)


@given(panels, slots)
def test_the_clairvoyant_cache_has_the_most_hits_there_are(requests: Panels, room: int) -> None:
    calls = sum(map(len, requests))

    best = hit_rate(requests, room, Policy.CLAIRVOYANT)

    assert best == pytest.approx(most_hits(requests, room) / calls)
    assert all(hit_rate(requests, room, policy) <= best + 1e-9 for policy in (Policy.LRU, Policy.LFU))


@given(panels, st.sampled_from([Policy.LRU, Policy.CLAIRVOYANT]))
def test_more_slots_never_hit_less(requests: Panels, policy: Policy) -> None:
    rates = [hit_rate(requests, room, policy) for room in range(1, 7)]

    assert rates == sorted(rates)
    # With a slot for everyone only the first call of each misses.
    assert rates[-1] == pytest.approx(1 - distinct_experts(requests) / sum(map(len, requests)))


@given(panels, st.integers(1, 25), st.floats(0.1, 4.0))
def test_sch_is_never_above_the_clairvoyant_cache(requests: Panels, m: int, rho: float) -> None:
    room = max(1, math.floor(rho * sum(map(len, requests)) / len(requests) + 0.5))

    assert segment_hit_rate(requests, m, rho) <= hit_rate(requests, room, Policy.CLAIRVOYANT) + 1e-9


@given(panels, st.data())
def test_srp_is_a_share_and_one_for_single_requests_or_panels_that_never_change(
    requests: Panels, data: st.DataObject
) -> None:
    m = data.draw(st.integers(1, len(requests)))

    assert 0 <= segment_routing(requests, m).performance <= 1
    assert segment_routing(requests, 1).performance == pytest.approx(1)
    assert segment_routing([requests[0]] * m, m).performance == pytest.approx(1)
