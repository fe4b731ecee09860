"""Promises about profiles from recordings: what was recorded is counted, for experts that are known there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from core.errors import Unprocessable
from core.experts import ExpertSpec, Kind
from core.ids import ExpertName, PoolName
from core.money import Micros, Price
from core.pools import PoolSpec
from core.profiles import ProfileSet
from evals.remembering import remembered
from experts.recording import read_pool
from tests.evals.recorded import items, recorded

AT = datetime(2026, 11, 30, tzinfo=UTC)
CLERK, LARGE = ExpertName("clerk"), ExpertName("law-large")
EXPERTS = (
    ExpertSpec(CLERK, Kind.RECORDED, "law-small"),
    ExpertSpec(LARGE, Kind.REMOTE, "provider/large", price=Price(1_000_000, 2_000_000)),
    ExpertSpec(ExpertName("stranger"), Kind.REMOTE, "provider/other"),
)


@pytest.fixture(scope="module")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> ProfileSet:
    """The profile of three experts, two of which the recording knows."""
    return built(recorded(tmp_path_factory.mktemp("pool"), items()), *EXPERTS)


def built(folder: Path, *experts: ExpertSpec) -> ProfileSet:
    pool = PoolSpec(PoolName("lawyers"), tuple(expert.name for expert in experts))
    return remembered(pool, experts, read_pool(folder), AT)


def test_what_was_recorded_is_counted_by_category(profiles: ProfileSet) -> None:
    clerk = profiles.of(CLERK)

    assert clerk.overall.asked == sum(record.asked for record in clerk.skills.values()) == 160
    assert [skill.name for skill in profiles.skills] == ["art", "law"]
    assert clerk.skills[profiles.skills[1].name].mean > 0.6 > 0.45 > clerk.skills[profiles.skills[0].name].mean


def test_an_expert_is_known_by_what_it_records_or_by_its_name_and_others_are_not(profiles: ProfileSet) -> None:
    assert set(profiles.experts) == {CLERK, LARGE}


def test_lessons_hold_the_question_as_it_is_asked_and_what_was_answered(profiles: ProfileSet) -> None:
    lesson = profiles.lessons[0]

    assert lesson.question.splitlines()[1:] == ["A. red", "B. green", "C. blue", "D. yellow"]
    assert lesson.outcomes[CLERK].answer in {"A", "B", "C", "D"}
    assert lesson.outcomes[CLERK].cost == Micros(100)


def test_a_recording_of_others_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(Unprocessable, match="knows none of the experts of lawyers"):
        built(recorded(tmp_path, items(4)), EXPERTS[2])
