"""`conclave bench` tells people and programs the same, and a missed aim is told, not failed on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.measuring import bench, measure
from core.errors import NotFound
from evals.reports import Figure, Report


async def fast(_say: Callable[[str], None]) -> Report:
    """A benchmark that misses one of its aims."""
    figures = (Figure("speed", 0.25, "of requests/s", ">= 0.5", "bare"), Figure("time", 1.5, "ms", "< 2"))
    return Report("fast", figures, ({"round": 1},), ("a note for people",))


async def small(_say: Callable[[str], None]) -> Report:
    """A benchmark without an aim."""
    return Report("small", (Figure("size", 3, "MB"),))


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    measure((fast, small), None, as_json=True)

    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["name"], second["name"]) == ("fast", "small")
    assert set(first) == {"name", "commit", "machine", "figures", "rows"}


def test_people_see_a_missed_aim_as_missed_and_the_notes(capsys: pytest.CaptureFixture[str]) -> None:
    measure((fast,), None, as_json=False)

    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines if line.startswith("speed")] == [
        ["speed", "0.25", "of", "requests/s", ">=", "0.5", "missed", "bare"]
    ]
    assert lines[-1] == "a note for people"


def test_every_report_is_written_as_object_page_and_drawing(tmp_path: Path) -> None:
    measure((fast, small), tmp_path / "out", as_json=True)

    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {f"{name}.{kind}" for name in ("fast", "small") for kind in ("json", "html", "svg")}


def test_what_is_simulated_is_a_measure_of_its_own() -> None:
    with pytest.raises(NotFound, match='did you mean "grouping-simulated"'):
        bench("groping", simulate=True)
