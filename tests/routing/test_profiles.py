"""Profiles: counted from outcomes, the same after writing and reading, and broken files are refused in words."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.ids import ExpertName, SkillName
from core.profiles import ProfileSet, Record
from core.skills import Skill
from routing.profiles import Outcome, build_profiles, dump_profiles, load_profiles, parse_profiles, table_of, version_of
from tests.routing.pool import AT

A, B = ExpertName("a"), ExpertName("b")
ALGEBRA, HISTORY = SkillName("algebra"), SkillName("history")
SKILLS = (Skill(ALGEBRA, ("equations",), None, ("Solve 2x = 4.",)), Skill(HISTORY))

outcomes = st.lists(
    st.builds(
        Outcome,
        expert=st.sampled_from([A, B]),
        skills=st.lists(st.sampled_from([ALGEBRA, HISTORY]), max_size=3).map(tuple),
        correct=st.sampled_from([True, False, None]),
        output_tokens=st.integers(0, 500),
        latency_s=st.floats(0, 50),
    ),
    max_size=30,
)


def built(results: list[Outcome]) -> ProfileSet:
    return build_profiles("default", "q1", AT, SKILLS, results)


def test_outcomes_are_counted_by_skill_and_overall() -> None:
    results = [
        Outcome(A, (ALGEBRA,), True, 10, 20, 0.5),
        Outcome(A, (ALGEBRA, HISTORY), False, 30, 40, 1.5),
        Outcome(A, (HISTORY,), None),
    ]

    profile = built(results).of(A)

    assert profile.skills == {ALGEBRA: Record(1, 1), HISTORY: Record(0, 1, 1)}
    assert profile.overall == Record(1, 1, 1)
    assert (profile.mean_input_tokens, profile.mean_output_tokens) == (13.3, 20.0)


def test_the_plus_one_minus_one_view_is_wins_less_losses() -> None:
    profiles = built([Outcome(A, (ALGEBRA,), right) for right in (True, True, False, None)])

    assert profiles.of(A).on(ALGEBRA).net == 1


def test_a_declined_answer_lowers_coverage_and_not_the_rate_of_winning() -> None:
    record = Record(8, 2)

    assert record.plus(None).mean == record.mean
    assert record.plus(None).coverage < record.coverage == 1.0


def test_an_expert_that_declines_nearly_everything_is_expected_to_answer_nearly_nothing() -> None:
    assert Record(2, 0, 38).quality < 0.1


@given(outcomes)
def test_the_same_outcomes_give_the_same_version_whenever_measured(results: list[Outcome]) -> None:
    later = AT.replace(year=2027)

    assert built(results).version == build_profiles("default", "q1", later, SKILLS, results).version


def test_one_more_outcome_is_another_version() -> None:
    assert built([Outcome(A, (ALGEBRA,), True)]).version != built([Outcome(A, (ALGEBRA,), True)] * 2).version


@given(outcomes)
def test_profiles_come_back_from_json_as_they_were(results: list[Outcome]) -> None:
    profiles = built(results)

    assert parse_profiles(dump_profiles(profiles)) == profiles


def test_profiles_come_back_from_a_file(tmp_path: Path) -> None:
    profiles = built([Outcome(A, (ALGEBRA,), True)])
    path = tmp_path / "default.json"
    path.write_text(dump_profiles(profiles), encoding="utf-8")

    assert load_profiles(path) == profiles


FIRST_FORMAT = """{"format": 1, "version": "15f8624e", "pool": "default", "questions_id": "q1",
 "measured_at": "2026-01-02T00:00:00Z",
 "skills": [{"name": "algebra", "aliases": [], "parent": null, "examples": ["Solve 2x = 4."]}],
 "experts": {"a": {"overall": {"wins": 2, "losses": 1, "declined": 0},
  "skills": {"algebra": {"wins": 2, "losses": 1, "declined": 0}},
  "mean_input_tokens": 13.3, "mean_output_tokens": 20.0, "mean_latency_s": 0.5,
  "synthesis": {"wins": 3, "losses": 4, "declined": 0}}}}"""


def test_a_file_from_before_aptitudes_is_read_and_keeps_its_version() -> None:
    profiles = parse_profiles(FIRST_FORMAT)

    assert (profiles.of(A).synthesis, profiles.of(A).aptitude) == (Record(3, 4), {})
    assert version_of(profiles) == profiles.version == "15f8624e"
    assert json.loads(dump_profiles(profiles)) == json.loads(FIRST_FORMAT)


def test_syntheses_are_counted_apart_from_what_an_expert_answers_itself() -> None:
    own = [Outcome(A, (ALGEBRA,), True)]
    syntheses = [Outcome(A, (ALGEBRA,), True), Outcome(A, (HISTORY,), False), Outcome(A, (HISTORY,), None)]

    profile = build_profiles("default", "q1", AT, SKILLS, own, syntheses).of(A)

    assert (profile.overall, profile.skills) == (Record(1, 0), {ALGEBRA: Record(1, 0)})
    assert profile.synthesis == Record(1, 1, 1)
    assert profile.aptitude == {ALGEBRA: Record(1, 0), HISTORY: Record(0, 1, 1)}


@given(outcomes, outcomes)
def test_profiles_with_aptitudes_come_back_from_json_as_they_were(own: list[Outcome], mixed: list[Outcome]) -> None:
    profiles = build_profiles("default", "q1", AT, SKILLS, own, mixed)

    assert parse_profiles(dump_profiles(profiles)) == profiles


def test_the_table_has_the_counts_and_an_empty_last_column() -> None:
    table = table_of(built([Outcome(A, (ALGEBRA, HISTORY), True), Outcome(B, (HISTORY,), False)]))

    assert table.wins[table.skills[ALGEBRA], table.experts[A]] == 1
    assert table.net_total.tolist() == [2.0, -1.0, 0.0]
    assert not np.concatenate([table.wins[-1], table.wins[:, -1], table.overall[:, -1]]).any()


def document() -> dict[str, object]:
    loaded: dict[str, object] = json.loads(dump_profiles(built([Outcome(A, (ALGEBRA,), True)])))
    return loaded


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 3}, "format"),
        ({"format": 2}, "format is 2 with lessons"),
        ({"version": "\0"}, "version"),
        ({"skills": [{"name": "algebra", "parent": "maths"}]}, "no skill here"),
        ({"skills": [{"name": "algebra", "parent": "algebra"}]}, "stands above itself"),
        ({"experts": {"a": {"overall": {"wins": -1}, "skills": {}}}}, "experts.a.overall.wins"),
        ({"experts": {"a": {"overall": {}, "skills": {"cooking": {}}}}}, "cooking"),
        ({"skills": [{"name": "algebra"}, {"name": "algebra"}]}, "twice"),
        ({"surprise": 1}, "surprise"),
        ({"measured_at": "yesterday"}, "measured_at"),
        ({"questions_id": "other"}, "do not match"),
    ],
)
def test_a_broken_document_is_refused_and_says_where(change: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        parse_profiles(json.dumps(document() | change), "default.json")

    assert caught.value.message.startswith("default.json: ")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_a_file_that_is_no_profile_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "default.json"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"default\.json"):
        load_profiles(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.json"):
        load_profiles(tmp_path / "nowhere.json")


def test_a_profile_edited_by_hand_is_refused() -> None:
    profiles = built([Outcome(A, (ALGEBRA,), False)])
    better = replace(profiles.of(A), overall=Record(99, 0))

    with pytest.raises(ConfigurationError, match="do not match"):
        parse_profiles(dump_profiles(replace(profiles, experts={A: better})))
