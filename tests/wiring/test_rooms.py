"""The packages that run are those of this tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import ConfigurationError
from tests.architecture.tree import ROOT
from wiring.rooms import ROOMS, check_rooms


def test_the_rooms_of_this_tree_pass() -> None:
    check_rooms()


def test_packages_from_elsewhere_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        check_rooms(tmp_path)

    assert all(f"{room} from {ROOT / room}" in refusal.value.message for room in ROOMS)
