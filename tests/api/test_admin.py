"""Whoever administers the service sees hosts and models as they are, and orders reach the hosts they are for."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from core.hosting import Order, OrderKind, Phase, Residence
from tests.api.conftest import Running
from tests.fixtures.fleet import GIB, LARGE, READY, TINY, a_host, beat, submit


@pytest.fixture
def client(api: Running, redis_url: str) -> Iterator[httpx.Client]:
    """A client with a key that operates the installation; no host is alive."""
    with api.http("operator") as client:
        yield client


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def test_hosts_are_listed_with_what_they_hold_and_did(client: httpx.Client, redis_url: str) -> None:
    beat(redis_url, a_host("h2"), a_host("h1", READY))

    listed = client.get("/v1/admin/hosts").json()

    first, second = listed["data"]
    assert (listed["object"], first["id"], second["id"]) == ("list", "h1", "h2")
    assert (first["memory_budget_bytes"], first["memory_used_bytes"], first["slots"]) == (4 * GIB, GIB, 2)
    assert first["residences"] == [
        {
            "model": "tiny",
            "phase": "ready",
            "memory_bytes": GIB,
            "load_s": 1.25,
            "tokens_per_s": 20.0,
            "idle_s": 3.0,
            "pinned": False,
            "reason": "",
        }
    ]
    assert {"loads", "evictions", "ahead_wasted", "waits"} <= set(first["counts"])
    assert client.get("/v1/admin/hosts/h1").json() == first


def test_every_configured_model_is_listed_loaded_or_not(client: httpx.Client, redis_url: str) -> None:
    broken = Residence(TINY, Phase.FAILED, reason="its file is damaged")
    beat(redis_url, a_host("h1", READY), a_host("h2", broken))

    tiny, large = client.get("/v1/admin/models").json()["data"]

    assert [(held["host"], held["phase"], held["reason"]) for held in tiny["hosts"]] == [
        ("h1", "ready", ""),
        ("h2", "failed", "its file is damaged"),
    ]
    assert (tiny["engine"], tiny["context"], tiny["slots"], tiny["licence"]) == ("llama", 512, 2, "Apache-2.0")
    assert (large["id"], large["hosts"], large["waiting"], large["backlog_s"]) == ("large", [], 0, 0)
    assert client.get("/v1/admin/models/large").json() == large


def test_what_waits_is_told_in_seconds_only_when_a_rate_is_known(client: httpx.Client, redis_url: str) -> None:
    beat(redis_url, a_host("h1", READY))
    submit(redis_url, TINY, 3)
    submit(redis_url, LARGE, 2)

    tiny, large = client.get("/v1/admin/models").json()["data"]

    assert (tiny["waiting"], tiny["backlog_tokens"], tiny["backlog_s"]) == (3, 300, 15.0)
    assert 0 <= tiny["turn_clock_s"] < 60
    assert (large["waiting"], large["backlog_s"]) == (2, None)
    assert 0 <= tiny["oldest_s"] < 60


@pytest.mark.parametrize("verb", ["load", "pin"])
def test_a_model_is_brought_to_the_best_host(client: httpx.Client, redis_url: str, verb: str) -> None:
    states = a_host("h1"), a_host("h2", READY)
    beat(redis_url, *states)

    answer = client.post(f"/v1/admin/models/tiny/{verb}")

    assert (answer.status_code, answer.json()) == (
        202,
        {"object": "order", "kind": verb, "model": "tiny", "hosts": ["h2"]},
    )
    assert beat(redis_url, states[0]) == []
    assert beat(redis_url, states[1]) == [Order(OrderKind(verb), TINY)]


@pytest.mark.parametrize("verb", ["unload", "unpin"])
def test_a_model_is_taken_from_every_host_that_holds_it(client: httpx.Client, redis_url: str, verb: str) -> None:
    states = a_host("h1", READY), a_host("h2", READY), a_host("h3")
    beat(redis_url, *states)

    told = client.post(f"/v1/admin/models/tiny/{verb}", json={}).json()

    assert told["hosts"] == ["h1", "h2"]
    assert [beat(redis_url, state) for state in states] == [[Order(OrderKind(verb), TINY)]] * 2 + [[]]


def test_an_order_goes_to_the_host_it_names(client: httpx.Client, redis_url: str) -> None:
    beat(redis_url, a_host("h1", READY), a_host("h2"))

    answer = client.post("/v1/admin/models/tiny/load", json={"host": "h2"})

    assert answer.json()["hosts"] == ["h2"]
    assert beat(redis_url, a_host("h2")) == [Order(OrderKind.LOAD, TINY)]


def test_a_host_is_told_to_drain(client: httpx.Client, redis_url: str) -> None:
    beat(redis_url, a_host("h1"))

    answer = client.post("/v1/admin/hosts/h1/drain")

    assert (answer.status_code, answer.json()["hosts"], answer.json()["model"]) == (202, ["h1"], None)
    assert beat(redis_url, a_host("h1")) == [Order(OrderKind.DRAIN)]


def test_what_is_not_there_is_a_404_that_helps(client: httpx.Client, redis_url: str) -> None:
    beat(redis_url, a_host("h1"))

    model = client.post("/v1/admin/models/tinny/load")
    host = client.post("/v1/admin/hosts/h9/drain")

    assert code_of(model) == (404, "unknown_model")
    assert 'did you mean "tiny"' in model.json()["error"]["message"]
    assert code_of(host) == (404, "unknown_host")
    assert "alive are h1" in host.json()["error"]["message"]
    assert code_of(client.get("/v1/admin/hosts/h9")) == (404, "unknown_host")
    assert code_of(client.get("/v1/admin/models/tinny")) == (404, "unknown_model")


def test_without_a_host_to_serve_it_a_load_may_be_tried_again_later(client: httpx.Client, redis_url: str) -> None:
    beat(redis_url, a_host("h1", draining=True))

    answer = client.post("/v1/admin/models/tiny/load")

    assert code_of(answer) == (503, "no_host")
    assert int(answer.headers["retry-after"]) >= 1


def test_what_the_state_does_not_allow_is_a_conflict(client: httpx.Client, redis_url: str) -> None:
    beat(redis_url, a_host("h1"), a_host("h2", READY, draining=True))

    assert code_of(client.post("/v1/admin/models/large/unload")) == (409, "not_loaded")
    assert code_of(client.post("/v1/admin/models/tiny/unload", json={"host": "h1"})) == (409, "not_loaded")
    assert code_of(client.post("/v1/admin/models/tiny/load", json={"host": "h2"})) == (409, "draining")


@pytest.mark.parametrize("body", [{"hots": "h1"}, {"host": 1}, {"host": ""}])
def test_an_order_that_makes_no_sense_is_refused(client: httpx.Client, body: dict[str, object]) -> None:
    assert client.post("/v1/admin/models/tiny/load", json=body).status_code == 400


def test_an_order_may_come_without_a_body_but_not_with_a_broken_one(client: httpx.Client, redis_url: str) -> None:
    beat(redis_url, a_host("h1"))

    assert client.post("/v1/admin/hosts/h1/drain").status_code == 202
    assert client.post("/v1/admin/hosts/h1/drain", json={"now": True}).status_code == 400
    assert code_of(client.post("/v1/admin/hosts/h1/drain", content=b"{")) == (415, "unsupported_media_type")


def test_the_document_says_that_orders_are_done_later(api: Running) -> None:
    with api.http("operator") as client:
        paths = client.get("/openapi.json").json()["paths"]

    load = paths["/v1/admin/models/{name}/load"]["post"]
    assert {"202", "404", "409", "503"} <= set(load["responses"])
    assert load["requestBody"]["required"] is False
    assert "409" not in paths["/v1/chat/completions"]["post"]["responses"]
