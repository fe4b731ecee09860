"""What gets installed is known by hash, free of hosts, and clear of the versions that harm."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.version import Version

from tests.architecture.tree import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
REQUIREMENT = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)(\[[a-z,]+\])?==(?P<version>[^ ;\\]+)")


def entries(lock: Path) -> Iterator[str]:
    """Logical lines of a lock: a requirement with its marker and hashes."""
    yield from filter(None, lock.read_text("utf-8").replace("\\\n", " ").splitlines())


def versions(name: str) -> set[Version]:
    """Every version at which any lock holds a package."""
    matches = (REQUIREMENT.match(line) for lock in LOCKS for line in entries(lock))
    return {Version(match["version"]) for match in matches if match and match["name"] == name}


def test_the_five_locks_are_there() -> None:
    assert [lock.stem for lock in LOCKS] == ["dev", "installer", "local", "models", "runtime"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_line_is_a_pinned_and_hashed_requirement(lock: Path) -> None:
    loose = [line for line in entries(lock) if not REQUIREMENT.match(line) or "--hash=sha256:" not in line]

    assert loose == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_names_no_host_and_no_path(lock: Path) -> None:
    text = lock.read_text("utf-8")

    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text
    assert " @ " not in text


def test_the_locks_agree_with_one_another() -> None:
    pins: dict[tuple[str, str], set[str]] = {}
    for line in (line for lock in LOCKS for line in entries(lock)):
        requirement, _, hashes = line.partition("--hash")
        name, _, rest = requirement.strip().partition("==")
        _, _, marker = rest.partition(" ; ")
        pins.setdefault((name.partition("[")[0], marker.strip()), set()).add(f"{rest} {hashes}")

    assert [name for name, seen in pins.items() if len(seen) > 1] == []


def test_litellm_is_clear_of_its_bad_versions() -> None:
    found = versions("litellm")

    assert found
    assert all(version >= Version("1.83.14") for version in found)
    assert found.isdisjoint({Version("1.82.7"), Version("1.82.8")})


@pytest.mark.parametrize(
    ("name", "at_least", "below"),
    [("celery", "5.5", "6"), ("starlette", "1.3.1", "99"), ("langgraph-checkpoint", "3.0", "99")],
)
def test_a_vendor_with_a_reason_to_be_bounded_is_in_its_bounds(name: str, at_least: str, below: str) -> None:
    found = versions(name)

    assert found
    assert all(Version(at_least) <= version < Version(below) for version in found)
