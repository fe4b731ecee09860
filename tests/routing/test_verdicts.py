"""Promises about what feedback says of experts: the newest counts most, and beside what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.feedback import Feedback
from core.ids import ExpertName, KeyId, PoolName, RunId, SkillName
from core.ports import Embedder
from core.profiles import LiveProfile, LiveRecord
from core.skills import SkillTag
from routing.profiles import drifts_of, live_of
from routing.profiles.drift import Direction
from routing.profiles.verdicts import HALF_LIFE, expected_right
from routing.quality import expected_qualities
from routing.schooling import Schooling
from tests.routing import schooled
from tests.routing.pool import AT, pool, profile, profile_set, query, service, slate, spec

A, B = ExpertName("a"), ExpertName("b")
ALGEBRA = SkillName("algebra")
MEASURED = profile_set(profile("a", algebra=(30, 10), history=(20, 20)), profile("b", algebra=(20, 20)))


def told(right: float, *, expert: ExpertName = A, age: timedelta = timedelta(), weight: float = 1.0) -> Feedback:
    tags = (SkillTag(ALGEBRA, weight),)
    return Feedback(RunId("r"), PoolName("default"), KeyId("k"), right, AT - age, {expert: right}, tags)


def test_a_verdict_halves_with_every_half_life() -> None:
    live = live_of(MEASURED, [told(1.0, age=HALF_LIFE), told(0.0, age=2 * HALF_LIFE)], AT)[A]

    assert (live.overall.wins, live.overall.losses) == (0.5, 0.25)


def test_a_verdict_counts_on_a_skill_as_far_as_the_query_needs_it() -> None:
    live = live_of(MEASURED, [told(1.0, weight=0.4)], AT)[A]

    assert live.skills[ALGEBRA].wins == 0.4
    assert live.overall.wins == 1.0


def test_what_was_to_be_expected_is_counted_beside_it() -> None:
    live = live_of(MEASURED, [told(1.0)], AT)[A]

    assert live.overall.expected == expected_right(MEASURED.of(A), (SkillTag(ALGEBRA, 1.0),))
    assert 0.7 < live.overall.expected < 0.75


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0]), max_size=30), st.floats(0, 1))
def test_a_better_verdict_never_lowers_what_is_expected_of_an_expert(rights: Sequence[float], weight: float) -> None:
    worse = live_of(MEASURED, [told(right, weight=weight) for right in (*rights, 0.0)], AT)
    better = live_of(MEASURED, [told(right, weight=weight) for right in (*rights, 1.0)], AT)

    def quality(live: dict[ExpertName, LiveProfile]) -> float:
        return float(expected_qualities(slate(replace(MEASURED, live=live), {"algebra": 0.7}))[0])

    assert quality(better) >= quality(worse)


def test_somebody_never_measured_is_known_by_verdicts_alone() -> None:
    new = ExpertName("new")
    live = live_of(MEASURED, [told(1.0, expert=new)] * 20, AT)
    seen = slate(replace(MEASURED, live=live), {"algebra": 1.0}, [spec("a"), spec("new")])

    qualities = expected_qualities(seen)

    assert qualities[1] > qualities[0]


def test_a_long_run_of_bad_verdicts_is_a_drift_and_a_few_are_not() -> None:
    assert drifts_of(MEASURED, [told(0.0)] * 3) == {}
    assert drifts_of(MEASURED, [told(0.0)] * 60)[A].direction is Direction.WORSE


def test_verdicts_move_what_lessons_let_foresee() -> None:
    school: Schooling = schooled.schooling()
    before = schooled.asked(schooled.EAST)
    live = np.zeros_like(before.live)
    live[:, 0] = -10.0, 20.0

    plain, moved = school.on(before)[0], school.on(replace(before, live=live))[0]

    assert moved[0] == pytest.approx(plain[0] - 0.25)
    assert moved[1:] == pytest.approx(plain[1:])


async def test_new_verdicts_are_counted_in_and_old_ones_out(embedder: Embedder) -> None:
    live = {A: LiveProfile({ALGEBRA: LiveRecord(0.0, 60.0, 30.0)}, LiveRecord(0.0, 60.0, 30.0))}
    judged = replace(MEASURED, live=live)
    now = [MEASURED]
    routing = service([spec("a"), spec("b")], lambda _: now[0], embedder)

    async def first() -> str:
        return (await routing.decide(query(), pool([spec("a"), spec("b")], router="best_single"))).panel[0].expert

    before = await first()
    now[0] = judged
    after = await first()
    now[0] = MEASURED

    assert [before, after, await first()] == ["a", "b", "a"]
