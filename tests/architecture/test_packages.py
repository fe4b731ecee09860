"""The root packages have generic names: nothing else in the environment may claim them."""

from __future__ import annotations

import importlib.util
import site
import sysconfig
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, project, rooms

# Every .pth file runs or extends the path at each start of Python (MAL-2026-2144 hid in one): each is named here.
KNOWN_PTH = {"__editable__.conclave-0.1.0.pth", "_virtualenv.pth", "distutils-precedence.pth"}


def test_every_root_folder_with_code_is_a_named_room() -> None:
    found = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert found == {*rooms(), "tests"}


def test_the_build_lists_exactly_the_rooms() -> None:
    listed = set(project()["tool"]["setuptools"]["packages"]["find"]["include"])

    assert listed == {name for room in rooms() for name in (room, f"{room}.*")}


def test_the_type_checker_reads_every_room() -> None:
    assert set(project()["tool"]["mypy"]["files"]) == {*rooms(), "tests"}


@pytest.mark.parametrize("room", rooms())
def test_each_root_package_comes_from_this_tree(room: str) -> None:
    spec = importlib.util.find_spec(room)

    assert spec is not None
    assert spec.origin == str(ROOT / room / "__init__.py")


@pytest.mark.parametrize("room", rooms())
def test_no_installed_distribution_claims_a_root_package(room: str) -> None:
    claimed_by = set(packages_distributions().get(room, []))

    assert claimed_by <= {"conclave"}


def test_no_folder_of_the_environment_hides_a_root_package() -> None:
    site_packages = Path(sysconfig.get_path("purelib"))

    assert [room for room in rooms() if (site_packages / room).exists()] == []


def test_no_unknown_pth_file_runs_at_start() -> None:
    folders = {
        Path(sysconfig.get_path("purelib")),
        Path(sysconfig.get_path("platlib")),
        *map(Path, site.getsitepackages()),
    }

    found = {path.name for folder in folders for path in folder.glob("*.pth")}

    assert found <= KNOWN_PTH
