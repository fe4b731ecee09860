"""Profiles over HTTP: what a pool is routed by, and bringing in a measurement without losing a newer one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.ids import ExpertName, SkillName
from core.skills import Skill
from routing.profiles import Outcome, build_profiles, dump_profiles
from tests.api.conftest import Running

AT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
ALGEBRA = SkillName("algebra")


def measured(pool: str = "default", *, hours: int = 0, wins: int = 3, expert: str = "echo") -> dict[str, Any]:
    outcomes = [Outcome(ExpertName(expert), (ALGEBRA,), correct=True)] * wins
    profiles = build_profiles(pool, "q1", AT + timedelta(hours=hours), [Skill(ALGEBRA)], outcomes)
    document: dict[str, Any] = json.loads(dump_profiles(profiles))
    return document


def test_every_pool_is_listed_with_its_experts_measured_or_not(api: Running) -> None:
    with api.http("viewer") as client:
        (told,) = client.get("/v1/profiles").json()["data"]

    assert (told["id"], told["version"]) == ("default", None)
    assert [one["expert"] for one in told["experts"]] == ["echo", "priced", "patient"]
    assert told["experts"][0]["drift"] is None


def test_a_measurement_is_stored_and_an_older_one_is_not(api: Running) -> None:
    with api.http("operator") as client:
        taken = client.put("/v1/profiles/default", json=measured(hours=1))
        again = client.put("/v1/profiles/default", json=measured(hours=1))
        older = client.put("/v1/profiles/default", json=measured(wins=9))

    assert (taken.status_code, again.status_code) == (200, 200)
    assert (older.status_code, older.json()["error"]["code"]) == (409, "newer_profile")


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (measured("another"), "other_pool"),
        (measured(expert="stranger"), "other_pool"),
        ({**measured(), "version": "00000000"}, "invalid_profile"),
        ({}, "invalid_profile"),
    ],
)
def test_what_is_no_profile_of_the_pool_is_refused(api: Running, document: dict[str, Any], code: str) -> None:
    with api.http("operator") as client:
        refused = client.put("/v1/profiles/default", json=document)

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, code)


def test_only_an_operator_brings_in_a_measurement(api: Running) -> None:
    with api.http("runner") as client:
        assert client.put("/v1/profiles/default", json=measured()).status_code == 403


@pytest.mark.parametrize("pool", ["nowhere", "default"])
def test_what_was_not_measured_is_not_found(api: Running, pool: str) -> None:
    with api.http("viewer") as client:
        assert client.get(f"/v1/profiles/{pool}").status_code == 404
