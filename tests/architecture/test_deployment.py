"""The production shape: what docker-compose.yml and the Dockerfile promise, read from the files themselves."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.architecture.tree import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("api", "host", "migrate", "worker")
LASTING = sorted(set(SERVICES) - {"migrate"})


def test_the_services_are_the_ones_of_the_design() -> None:
    assert set(SERVICES) == {*OURS, "broker", "postgres"}


@pytest.mark.parametrize("name", LASTING)
def test_every_lasting_service_is_checked_and_comes_back(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["restart"] == "always"


@pytest.mark.parametrize("name", OURS)
def test_our_processes_run_without_privileges_on_a_read_only_disk(name: str) -> None:
    assert SERVICES[name]["cap_drop"] == ["ALL"]
    assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]
    assert SERVICES[name]["read_only"] is True


@pytest.mark.parametrize("name", ["api", "host", "worker"])
def test_a_process_waits_for_its_stores_and_for_the_migrations(name: str) -> None:
    conditions = {needed: after["condition"] for needed, after in SERVICES[name]["depends_on"].items()}

    assert conditions == {
        "postgres": "service_healthy",
        "broker": "service_healthy",
        "migrate": "service_completed_successfully",
    }


def test_no_secret_has_a_default() -> None:
    files = [secret["file"] for secret in COMPOSE["secrets"].values()]
    variables = {name for service in SERVICES.values() for name in service.get("environment", {})}

    assert all(file.startswith("${CONCLAVE_SECRETS:?") for file in files)
    assert [name for name in variables if name.endswith(("PASSWORD", "PEPPER", "DATABASE_URL"))] == []


def test_the_broker_evicts_nothing_and_writes_to_disk() -> None:
    command = SERVICES["broker"]["command"]

    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert command[command.index("--appendonly") + 1] == "yes"


def test_only_the_api_is_published_and_only_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert list(published) == ["api"]
    assert all(port.startswith("127.0.0.1:") for port in published["api"])


def test_the_image_does_not_run_as_root() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()

    assert [line for line in lines if line.startswith("USER ")] == ["USER conclave"]
