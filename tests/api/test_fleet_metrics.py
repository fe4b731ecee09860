"""Prometheus reads what hosts and mailboxes say beside what the process counted, and the latter whatever happens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from core.hosting import WAIT_BOUNDS_S, HostCounts, Phase, Residence
from core.ids import ModelName
from tests.api.conftest import CLOCK, Running, container_on, listening_to
from tests.api.scripted import ScriptedConvener, ScriptedRecruiter
from tests.fixtures.fleet import GIB, LARGE, READY, TINY, a_host, beat, submit
from wiring.container import Container

COUNTS = HostCounts(
    loads=3,
    load_failures=1,
    load_seconds=4.5,
    evictions=2,
    ahead=5,
    ahead_used=3,
    ahead_wasted=1,
    turns=7,
    turn_seconds=60.5,
    requests=9,
    input_tokens=100,
    output_tokens=40,
    wait_seconds=12.5,
    waits=(4, 3, *[0] * (len(WAIT_BOUNDS_S) - 3), 1, 1),
)

Samples = dict[tuple[str, ...], float]


@pytest.fixture
def client(api: Running, redis_url: str) -> Iterator[httpx.Client]:
    """A client with a key that may read metrics; no host is alive."""
    with api.http("operator") as client:
        yield client


def read(client: httpx.Client) -> Samples:
    """Every sample of a scrape, by its name and the values of its labels; each family is there once."""
    families = list(text_string_to_metric_families(client.get("/metrics").text))
    assert len({family.name for family in families}) == len(families)
    return {(s.name, *(s.labels[label] for label in sorted(s.labels))): s.value for f in families for s in f.samples}


def test_models_are_told_with_what_waits_and_where_they_are(client: httpx.Client, redis_url: str) -> None:
    beat(redis_url, a_host("h1", READY))
    submit(redis_url, TINY, 3)
    submit(redis_url, LARGE, 2)

    found = read(client)

    assert found["conclave_model_waiting_requests", "tiny"] == 3
    assert found["conclave_model_waiting_requests", "large"] == 2
    assert 0 <= found["conclave_model_oldest_wait_seconds", "tiny"] < 60
    assert found["conclave_model_backlog_seconds", "tiny"] == 15.0
    assert ("conclave_model_backlog_seconds", "large") not in found
    assert found["conclave_model_resident", "h1", "tiny"] == 1
    assert found["conclave_model_resident", "h1", "large"] == 0


def test_a_model_for_which_nothing_waits_has_a_backlog_of_nought(client: httpx.Client) -> None:
    found = read(client)

    assert found["conclave_model_waiting_requests", "tiny"] == 0
    assert found["conclave_model_backlog_seconds", "tiny"] == 0


def test_hosts_are_told_with_what_they_hold_and_did(client: httpx.Client, redis_url: str) -> None:
    beat(redis_url, replace(a_host("h1", READY), slots_busy=1, counts=COUNTS))

    found = {name: value for name, value in read(client).items() if name[0].startswith("conclave_host_")}

    one = {name[len("conclave_host_") :]: value for (name, *labels), value in found.items() if labels == ["h1"]}
    assert (one.pop("memory_bytes"), one.pop("memory_budget_bytes")) == (GIB, 4 * GIB)
    assert (one.pop("slots"), one.pop("slots_busy")) == (2, 1)
    assert (one.pop("loads_total"), one.pop("load_failures_total"), one.pop("load_seconds_total")) == (3, 1, 4.5)
    assert (one.pop("evictions_total"), one.pop("requests_total")) == (2, 9)
    assert (one.pop("turns_total"), one.pop("turn_seconds_total")) == (7, 60.5)
    assert one == {"wait_seconds_count": 9, "wait_seconds_sum": 12.5}
    assert [found["conclave_host_ahead_loads_total", "h1", outcome] for outcome in ("used", "wasted")] == [3, 1]
    assert [found["conclave_host_tokens_total", way, "h1"] for way in ("input", "output")] == [100, 40]


def test_waits_are_a_histogram_whose_buckets_only_grow(client: httpx.Client, redis_url: str) -> None:
    beat(redis_url, replace(a_host("h1"), counts=COUNTS))

    found = read(client)
    buckets = {
        float(labels[1]): value for (name, *labels), value in found.items() if name.endswith("host_wait_seconds_bucket")
    }

    assert list(buckets) == [*WAIT_BOUNDS_S, float("inf")]
    assert [buckets[bound] for bound in (0.05, 0.1, 120.0, 300.0, float("inf"))] == [4, 7, 7, 8, 9]


def test_labels_are_configured_models_and_living_hosts_only(client: httpx.Client, redis_url: str) -> None:
    beat(redis_url, a_host("h1", Residence(ModelName("stranger"), Phase.READY)))
    submit(redis_url, ModelName("stranger"), 1)

    text = client.get("/metrics").text

    assert "stranger" not in text
    assert set(re.findall(r'host="([^"]*)"', text)) == {"h1"}


def test_buckets_of_another_version_are_left_out(client: httpx.Client, redis_url: str) -> None:
    beat(redis_url, replace(a_host("h1"), counts=HostCounts(turns=1, waits=(1, 2))))

    found = read(client)

    assert found["conclave_host_turns_total", "h1"] == 1
    assert not [name for name, *_ in found if name.startswith("conclave_host_wait_seconds")]


@pytest.mark.parametrize("open_metrics", [True, False])
def test_without_the_store_the_process_still_tells_what_it_counted(
    postgres_url: str, api: Running, *, open_metrics: bool
) -> None:
    async def build() -> Container:
        recruiter = ScriptedRecruiter()
        return container_on(postgres_url, ScriptedConvener(recruiter, CLOCK), recruiter)

    with listening_to(create_app(build, open_metrics=open_metrics)) as url:
        key = None if open_metrics else "operator"
        with Running(url, api.keys, api.convener).http(key) as client:
            found = read(client)

    assert ("conclave_http_requests_in_flight",) in found
    assert not [name for name, *_ in found if name.startswith(("conclave_host_", "conclave_model_"))]


def test_whoever_may_read_without_a_key_reads_the_same(postgres_url: str, redis_url: str) -> None:
    beat(redis_url, a_host("h1"))

    async def build() -> Container:
        recruiter = ScriptedRecruiter()
        return container_on(postgres_url, ScriptedConvener(recruiter, CLOCK), recruiter, redis_url)

    with (
        listening_to(create_app(build, open_metrics=True)) as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        assert read(client)["conclave_host_slots", "h1"] == 2
