"""`conclave regret` shows what the running service knows of its routers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.api.losing import losing_service
from tests.cli.conftest import Run


@pytest.fixture(scope="module")
def service(postgres_url: str, valkey_server: str) -> Iterator[dict[str, str]]:
    """A service elsewhere, as the variables that name it and a key."""
    with losing_service(postgres_url, valkey_server) as running:
        yield {"CONCLAVE_URL": running.url, "CONCLAVE_API_KEY": running.keys["operator"]}


def test_each_constant_is_a_line_that_says_whether_the_router_loses(conclave: Run, service: dict[str, str]) -> None:
    done = conclave("regret", **service)

    best, cheapest = (" ".join(line.split()) for line in done.stdout.splitlines()[1:])
    assert best.startswith("default conclave best_single +0.500 (")
    assert best.endswith("200 2.00 x the router loses, lately by 0.500; it stands in")
    assert cheapest.endswith("200 0.50 x -")
    assert done.stderr == "other: not shadowed (pools.*.shadow.share is 0)\n"


def test_json_is_what_the_api_says_of_the_pool_asked_for(conclave: Run, service: dict[str, str]) -> None:
    (pool,) = json.loads(conclave("regret", "--pool", "default", "--json", **service).stdout)["pools"]

    assert (pool["id"], pool["routed_by"], len(pool["constants"])) == ("default", "best_single", 2)


def test_a_pool_that_is_unknown_is_misuse_and_near_ones_are_named(conclave: Run, service: dict[str, str]) -> None:
    done = conclave("regret", "--pool", "defalt", **service)

    assert done.returncode == 2
    assert 'did you mean "default"' in done.stderr
