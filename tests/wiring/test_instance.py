"""One instance for each state directory, and secrets that only its owner can read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from wiring.supervision.lock import InstanceLock, ServiceRecord, announce_service, running_service
from wiring.supervision.secrets import ensure_pepper, read_secret, write_secret


def test_a_second_instance_is_refused_with_pid_and_url(tmp_path: Path) -> None:
    with InstanceLock(tmp_path):
        announce_service(tmp_path, ServiceRecord(os.getpid(), "http://127.0.0.1:8080"))

        with pytest.raises(ConfigurationError) as caught, InstanceLock(tmp_path):
            pytest.fail("two instances on one directory")

    assert caught.value.message == (
        f"Conclave is already running on {tmp_path} (pid {os.getpid()}, http://127.0.0.1:8080); "
        "stop it or set CONCLAVE_HOME elsewhere"
    )


def test_an_instance_that_ended_lets_the_next_one_in(tmp_path: Path) -> None:
    with InstanceLock(tmp_path):
        announce_service(tmp_path, ServiceRecord(os.getpid(), "http://127.0.0.1:8080"))

    with InstanceLock(tmp_path):
        assert running_service(tmp_path) is None


def test_a_running_service_is_found_by_its_record(tmp_path: Path) -> None:
    with InstanceLock(tmp_path):
        announce_service(tmp_path, ServiceRecord(os.getpid(), "http://127.0.0.1:8080"))

        assert running_service(tmp_path) == ServiceRecord(os.getpid(), "http://127.0.0.1:8080")


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"pid": "x", "url": 1}', '{"pid": 4194304123, "url": "http://x"}', '{"pid": 0, "url": ""}'],
)
def test_a_stale_or_broken_record_means_no_service(tmp_path: Path, text: str) -> None:
    (tmp_path / "service.json").write_text(text, encoding="utf-8")

    assert running_service(tmp_path) is None


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(ConfigurationError, match="CONCLAVE_HOME: cannot use"), InstanceLock(tmp_path / "file" / "home"):
        pytest.fail("a file is no directory")


def test_the_pepper_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = ensure_pepper(tmp_path)
    first = read_secret(path)

    assert read_secret(ensure_pepper(tmp_path)) == first
    assert first is not None
    assert len(first) >= 43
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_secret_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_secret(path, "one")

    write_secret(path, "two")

    assert read_secret(path) == "two"
    assert read_secret(tmp_path / "absent") is None
