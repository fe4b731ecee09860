"""`conclave models` and `conclave hosts` show and steer what the running service's hosts hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from core.hosting import Order, OrderKind, Phase, Residence
from tests.architecture.tree import ROOT
from tests.cli.conftest import Run, elsewhere
from tests.fixtures.fleet import READY, TINY, a_host, beat, leave, submit
from tests.fixtures.service import until

LOAD = Order(OrderKind.LOAD, TINY)
LOADING = replace(READY, phase=Phase.LOADING)
FAILED = Residence(TINY, Phase.FAILED, reason="its file is damaged")


@pytest.fixture(scope="module")
def service(postgres_url: str, valkey_server: str) -> Iterator[dict[str, str]]:
    """A service elsewhere, as the variables that name it and a key for everything asked here."""
    with elsewhere(postgres_url, valkey_server, "operator") as variables:
        yield variables


@contextmanager
def loading(folder: Path, service: dict[str, str], *options: str) -> Iterator[subprocess.Popen[str]]:
    """`conclave models load tiny` under way."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CONCLAVE_HOME": str(folder), **service}
    command = [sys.executable, "-m", "cli.main", "models", "load", "tiny", *options]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_models_are_listed_loaded_or_not(conclave: Run, service: dict[str, str], redis_url: str) -> None:
    beat(redis_url, a_host("h1", replace(READY, pinned=True)))
    submit(redis_url, TINY, 3)

    lines = conclave("models", "ls", **service).stdout.splitlines()

    assert lines[0].split() == ["model", "engine", "waiting", "oldest", "backlog", "hosts"]
    assert lines[1].split()[:3] == ["tiny", "llama", "3"]
    assert lines[1].endswith("h1 ready (pinned)")
    assert lines[2].split() == ["large", "llama", "0", "-", "-", "not", "loaded"]


def test_hosts_are_listed(conclave: Run, service: dict[str, str], redis_url: str) -> None:
    beat(redis_url, a_host("h1", READY), replace(a_host("h2", draining=True), serving=TINY, slots_busy=1))

    lines = conclave("hosts", **service).stdout.splitlines()

    assert " ".join(lines[1].split()) == "h1 idle - - 1.00 GiB of 4.00 GiB tiny ready"
    assert lines[2].split()[:6] == ["h2", "draining", "tiny", "1", "of", "2"]


def test_json_is_what_the_api_says(conclave: Run, service: dict[str, str], redis_url: str) -> None:
    beat(redis_url, a_host("h1", READY))

    models = json.loads(conclave("models", "--json", **service).stdout)["models"]
    hosts = json.loads(conclave("hosts", "ls", "--json", **service).stdout)["hosts"]

    assert [model["id"] for model in models] == ["tiny", "large"]
    assert [host["id"] for host in hosts] == ["h1"]


@pytest.mark.parametrize("verb", ["unload", "pin", "unpin"])
def test_an_order_reaches_its_host(conclave: Run, service: dict[str, str], redis_url: str, verb: str) -> None:
    beat(redis_url, a_host("h1", READY))

    told = json.loads(conclave("models", verb, "tiny", "--json", **service).stdout)

    assert told == {"kind": verb, "model": "tiny", "hosts": ["h1"]}
    assert beat(redis_url, a_host("h1", READY)) == [Order(OrderKind(verb), TINY)]


def test_a_host_is_drained(conclave: Run, service: dict[str, str], redis_url: str) -> None:
    beat(redis_url, a_host("h1"))

    assert conclave("hosts", "drain", "h1", **service).stdout == "drain was ordered of h1\n"
    assert beat(redis_url, a_host("h1")) == [Order(OrderKind.DRAIN)]


def test_a_load_that_is_not_waited_for_is_only_ordered(conclave: Run, service: dict[str, str], redis_url: str) -> None:
    beat(redis_url, a_host("h1"), a_host("h2"))

    done = conclave("models", "load", "tiny", "--host", "h2", "--no-wait", **service)

    assert (done.returncode, done.stdout) == (0, "load was ordered of h2\n")
    assert beat(redis_url, a_host("h2")) == [LOAD]


def test_a_load_is_waited_for_until_it_is_ready(tmp_path: Path, service: dict[str, str], redis_url: str) -> None:
    beat(redis_url, a_host("h1"))

    with loading(tmp_path, service) as process:
        assert process.stderr
        assert process.stderr.readline() == "h1 is to load tiny\n"
        assert beat(redis_url, a_host("h1", LOADING)) == [LOAD]
        assert process.stderr.readline() == "h1 is loading tiny\n"
        assert process.poll() is None
        beat(redis_url, a_host("h1", READY))
        out, _ = process.communicate(timeout=30)

    assert (process.returncode, out) == (0, "tiny is ready on h1: 1.00 GiB, loaded in 1.2 s\n")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_load_that_fails_ends_with_one_and_its_reason(
    tmp_path: Path, service: dict[str, str], redis_url: str, options: tuple[str, ...]
) -> None:
    beat(redis_url, a_host("h1"))

    with loading(tmp_path, service, *options) as process:
        assert until(lambda: beat(redis_url, a_host("h1")) == [LOAD])
        beat(redis_url, a_host("h1", FAILED))
        out, said = process.communicate(timeout=30)

    assert process.returncode == 1
    if options:
        assert json.loads(out)["reason"] == "its file is damaged"
    else:
        assert said.endswith("conclave: h1 could not load tiny: its file is damaged\n")


def test_an_old_failure_is_not_taken_for_the_new_load(tmp_path: Path, service: dict[str, str], redis_url: str) -> None:
    beat(redis_url, a_host("h1", FAILED))

    with loading(tmp_path, service) as process:
        assert until(lambda: beat(redis_url, a_host("h1", FAILED)) == [LOAD])
        beat(redis_url, a_host("h1", LOADING))
        assert process.stderr
        assert [process.stderr.readline() for _ in range(2)][1] == "h1 is loading tiny\n"
        beat(redis_url, a_host("h1", READY))

        assert process.wait(30) == 0


def test_a_host_that_goes_while_it_loads_ends_the_wait(tmp_path: Path, service: dict[str, str], redis_url: str) -> None:
    beat(redis_url, a_host("h1"))

    with loading(tmp_path, service) as process:
        assert until(lambda: beat(redis_url, a_host("h1")) == [LOAD])
        beat(redis_url, a_host("h2"))
        leave(redis_url, "h1")
        _, said = process.communicate(timeout=30)

    assert process.returncode == 1
    assert said.endswith('h1 went while it was to load tiny: no host "h1"; alive are h2\n')


def test_a_name_that_is_unknown_is_misuse_and_near_ones_are_named(conclave: Run, service: dict[str, str]) -> None:
    done = conclave("models", "load", "tinny", **service)

    assert done.returncode == 2
    assert 'did you mean "tiny"' in done.stderr


def test_unloading_what_is_not_loaded_ends_with_one(conclave: Run, service: dict[str, str], redis_url: str) -> None:
    done = conclave("models", "unload", "tiny", **service)

    assert (done.returncode, done.stdout) == (1, "")
    assert "no host holds tiny; there is nothing to unload" in done.stderr


def test_no_service_is_started_to_look_at_hosts(conclave: Run, home: Path) -> None:
    done = conclave("models", "ls")

    assert (done.returncode, done.stdout) == (1, "")
    assert f"no service is running on {home}" in done.stderr
    assert not home.exists()
