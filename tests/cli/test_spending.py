"""`conclave usage` and `conclave budgets` tell what was spent and what may be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest

from core.ids import RunId
from core.keys import key_id_of
from core.runs import UsageRecord
from storage.postgres.database import Database
from storage.postgres.usage import PostgresUsageLog
from tests.api.conftest import CLOCK
from tests.cli.conftest import Run, elsewhere


@pytest.fixture(scope="module")
def service(postgres_url: str, valkey_server: str) -> Iterator[dict[str, str]]:
    """A service elsewhere, on whose record one call of its key is."""
    with elsewhere(postgres_url, valkey_server, "runner") as variables:
        asyncio.run(spend(postgres_url, variables["CONCLAVE_API_KEY"]))
        yield variables


async def spend(url: str, key: str) -> None:
    database = Database(url, pool_size=1)
    log = PostgresUsageLog(database)
    log.record(UsageRecord(RunId("r"), key_id_of(key), "default", "coder", 1200, 34, 0, 5_600, 0.1, "ok", CLOCK.now()))
    await log.aclose()
    await database.aclose()


def test_usage_is_a_table_with_its_sum(conclave: Run, service: dict[str, str]) -> None:
    head, line, whole = conclave("usage", **service).stdout.splitlines()

    assert head.split() == ["pool", "expert", "calls", "in", "out", "cached", "cost"]
    assert line.split() == ["default", "coder", "1", "1,200", "34", "0", "$0.0056"]
    assert whole.split() == ["(all)", "1", "1,200", "34", "0", "$0.0056"]


def test_usage_as_json_is_told_apart_as_asked(conclave: Run, service: dict[str, str]) -> None:
    told = json.loads(conclave("usage", "--by", "outcome", "--json", **service).stdout)

    assert told["usage"] == [{"outcome": "ok", **told["total"]}]


def test_a_period_that_makes_no_sense_is_misuse(conclave: Run, service: dict[str, str]) -> None:
    done = conclave("usage", "--since", "yesterday", **service)

    assert (done.returncode, "a date or a time" in done.stderr) == (2, True)


def test_a_key_sees_its_budget(conclave: Run, service: dict[str, str]) -> None:
    (row,) = json.loads(conclave("budgets", "--json", **service).stdout)["budgets"]

    assert (row["name"], row["cap"]["usd"], row["spent"]) == ("runner", None, None)
