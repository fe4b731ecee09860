"""Whoever operates the service sees how its routers do beside constants, and Prometheus does too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.conftest import Running
from tests.api.losing import GAINS, SEEN, losing_service


@pytest.fixture(scope="module")
def losing(postgres_url: str, valkey_server: str) -> Iterator[Running]:
    with losing_service(postgres_url, valkey_server) as running:
        yield running


def test_every_pool_is_listed_with_its_constants(losing: Running) -> None:
    with losing.http("operator") as client:
        default, other = client.get("/v1/regret").json()["data"]

    assert (default["id"], default["router"], default["routed_by"]) == ("default", "conclave", "best_single")
    assert default["shadow"] == {"share": 0.1, "spend": 0.01, "fall_back": True}
    assert {one["constant"]: one["gain"] for one in default["constants"]} == GAINS
    assert [(one["samples"], one["losing"]) for one in default["constants"]] == [(SEEN, True), (SEEN, False)]
    assert [one["cost_ratio"] for one in default["constants"]] == [2.0, 0.5]
    assert (other["routed_by"], other["constants"]) == ("conclave", [])


def test_prometheus_reads_the_same(losing: Running) -> None:
    with losing.http("operator") as client:
        families = text_string_to_metric_families(client.get("/metrics").text)
    told = [sample for family in families for sample in family.samples if "regret" in family.name]
    found = {(sample.name, sample.labels["pool"], sample.labels["constant"]): sample.value for sample in told}

    assert found == {
        ("conclave_regret_samples", "default", "best_single"): SEEN,
        ("conclave_regret_samples", "default", "cheapest"): SEEN,
        ("conclave_regret_gain", "default", "best_single"): 0.5,
        ("conclave_regret_gain", "default", "cheapest"): -0.25,
        ("conclave_regret_losing", "default", "best_single"): 1,
        ("conclave_regret_losing", "default", "cheapest"): 0,
    }
