"""A report for programs is one object; for people a page and a drawing that need nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from evals.pages import drawing, page, write
from evals.reports import Figure, Report

REPORT = Report(
    "made-up",
    (
        Figure("speed <fast>", 0.25, "of requests/s", ">= 0.5", "bare"),
        Figure("time", 1.5, "ms", "< 2"),
        Figure("size", 3, "MB"),
    ),
    ({"round": 1, "p50_ms": 1.5}, {"round": 2, "failed": 0}),
    ("a note for people",),
)
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(
    ("value", "aim", "met"),
    [(2, "<= 2", True), (2, "< 2", False), (2, ">= 2", True), (1, ">= 2", False), (3, "<= 2", False), (1, None, None)],
)
def test_an_aim_is_met_when_the_value_is_on_its_side(value: float, aim: str | None, met: bool | None) -> None:
    assert Figure("any", value, "s", aim).met is met


def test_the_object_has_the_promised_shape() -> None:
    told = REPORT.as_json()

    assert list(told) == ["name", "commit", "machine", "figures", "rows"]
    assert told["name"] == "made-up"
    assert told["figures"] == [
        {"name": "speed <fast>", "value": 0.25, "unit": "of requests/s", "aim": ">= 0.5", "met": False}
        | {"reference": "bare"},
        {"name": "time", "value": 1.5, "unit": "ms", "aim": "< 2", "met": True, "reference": None},
        {"name": "size", "value": 3, "unit": "MB", "aim": None, "met": None, "reference": None},
    ]
    assert told["rows"] == [{"round": 1, "p50_ms": 1.5}, {"round": 2, "failed": 0}]


def test_the_page_shows_a_missed_aim_as_missed() -> None:
    shown = page(REPORT)

    assert "<td>&gt;= 0.5</td><td class=missed>missed</td>" in shown
    assert "<td>&lt; 2</td><td class=met>met</td>" in shown
    assert "a note for people" in shown
    assert drawing(REPORT) in shown


def test_the_drawing_has_a_bar_for_every_aim() -> None:
    drawn = ElementTree.fromstring(drawing(REPORT))  # noqa: S314  # our own

    assert [text.text for text in drawn.iter(f"{SVG}text")] == ["speed <fast>", "time"]
    bars, aims = list(drawn.iter(f"{SVG}rect")), list(drawn.iter(f"{SVG}line"))
    assert [int(bar.attrib["width"]) / int(aim.attrib["x1"]) for bar, aim in zip(bars, aims, strict=True)] == [
        0.5,
        0.75,
    ]
    assert len({bar.attrib["fill"] for bar in bars}) == 2


def test_what_is_written_is_what_is_told(tmp_path: Path) -> None:
    write(REPORT, tmp_path / "deep" / "folder")

    folder = tmp_path / "deep" / "folder"
    assert json.loads((folder / "made-up.json").read_text("utf-8")) == REPORT.as_json()
    assert (folder / "made-up.html").read_text("utf-8") == page(REPORT)
    assert (folder / "made-up.svg").read_text("utf-8") == drawing(REPORT)
