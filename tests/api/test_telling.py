"""What the API tells of itself: decisions without answers, its routes, and what it counted."""

from __future__ import annotations

import re

import pytest

from api.app import OPEN_PATHS, ROWS
from tests.api.conftest import Running

CHAT = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}


def test_a_decision_is_told_without_asking_any_expert(api: Running) -> None:
    asked = len(api.convener.asked)

    with api.http() as client:
        told = client.post("/v1/route", json=CHAT).json()

    assert told["skills"] == [{"name": "numbers", "weight": 0.75}]
    assert [seat["expert"] for seat in told["decision"]["panel"]] == ["echo"]
    assert len(api.convener.asked) == asked


def test_a_single_expert_needs_no_decision(api: Running) -> None:
    with api.http() as client:
        answer = client.post("/v1/route", json={**CHAT, "model": "expert/echo"})

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "model")


def test_every_wish_of_the_conclave_object_reaches_the_convener(api: Running) -> None:
    wishes = {
        "strategy": "panel",
        "k": 2,
        "seed": 7,
        "session": "s-1",
        "budget": {"usd": 0.01, "tokens": 100, "calls": 3, "seconds": 5},
        "exclude": {
            "data": ["remote", "may_train", "region:us", "licence:nc"],
            "experts": ["echo"],
            "families": ["gpt"],
        },
    }

    with api.http() as client:
        assert client.post("/v1/chat/completions", json={**CHAT, "conclave": wishes}).status_code == 200

    query = api.convener.asked[-1].query
    assert (query.strategy, query.k, query.seed) == ("panel", 2, 7)
    assert (query.budget.micros, query.budget.tokens, query.budget.calls, query.budget.seconds) == (10_000, 100, 3, 5)
    assert query.constraints.local_only
    assert query.constraints.no_training
    assert query.constraints.exclude == {"echo"}
    assert query.constraints.without_regions == {"us"}
    assert query.constraints.without_families == {"gpt"}
    assert query.constraints.without_tags == {"licence:nc"}


@pytest.mark.parametrize(
    ("field", "words", "said"),
    [
        ("data", ["licence:cn"], 'nor a tag of any expert; did you mean "licence:nc"?'),
        ("experts", ["prized"], 'a name that no expert has; did you mean "priced"?'),
        ("families", ["gqt"], 'a family that no expert is of; did you mean "gpt"?'),
    ],
)
def test_a_slip_in_what_is_excluded_is_refused_and_lets_nobody_in(
    api: Running, field: str, words: list[str], said: str
) -> None:
    with api.http() as client:
        answer = client.post("/v1/route", json={**CHAT, "conclave": {"exclude": {field: words}}})

    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, f"conclave.exclude.{field}")
    assert said in error["message"]
    assert words[0] not in error["message"]


def test_a_session_belongs_to_the_key_that_named_it(api: Running) -> None:
    for key in ("runner", "other"):
        with api.http(key) as client:
            client.post("/v1/chat/completions", json={**CHAT, "conclave": {"session": "s-1"}})

    sessions = [asked.query.session for asked in api.convener.asked[-2:]]
    assert all(session is not None and session.endswith("/s-1") for session in sessions)
    assert len(set(sessions)) == 2


@pytest.mark.parametrize(
    ("change", "needs"),
    [
        ({}, set()),
        ({"response_format": {"type": "json_object"}}, {"json_schema"}),
        ({"tools": [{"type": "function", "function": {"name": "add"}}]}, {"tools"}),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/a.png"}}]}
                ]
            },
            {"vision"},
        ),
    ],
)
def test_what_a_request_needs_of_an_expert_is_known(api: Running, change: dict[str, object], needs: set[str]) -> None:
    with api.http() as client:
        assert client.post("/v1/chat/completions", json={**CHAT, **change}).status_code == 200

    assert api.convener.asked[-1].query.constraints.needs == needs


def test_the_openapi_document_has_every_route_and_every_reference_resolves(api: Running) -> None:
    with api.http("operator") as client:
        document = client.get("/openapi.json").json()

    assert {path.replace("{model}", "{model:path}") for path in document["paths"]} == {row.path for row in ROWS}
    named = set(re.findall(r'"#/components/schemas/(\w+)"', str(document).replace("'", '"')))
    assert named <= set(document["components"]["schemas"])
    chat = document["components"]["schemas"]["ChatRequest"]
    assert chat["additionalProperties"] is False
    assert "conclave" in chat["properties"]


def test_what_was_answered_is_counted_by_route_and_status_and_without_ids(api: Running) -> None:
    with api.http() as client:
        client.post("/v1/chat/completions", json=CHAT)
        client.get("/v1/runs/" + "0" * 26)
        client.get("/v1/no/such/route")
    with api.http("operator") as client:
        text = client.get("/metrics").text

    assert re.search(r'conclave_http_requests_total\{route="/v1/chat/completions",status="200"\} [1-9]', text)
    assert 'route="/v1/runs/{run_id}",status="404"' in text
    assert 'route="unmatched",status="404"' in text
    assert re.search(r'conclave_tokens_total\{direction="input"\} [1-9]', text)
    assert "conclave_http_request_duration_seconds_bucket" in text
    assert "0" * 26 not in text


def test_the_open_routes_are_health_only() -> None:
    assert all(path.startswith("/health/") for path in OPEN_PATHS)
