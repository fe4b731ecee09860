"""An evaluation as one HTML page that opens from disk: tables, plots drawn into it, and how to make it again."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from evals.pages import STYLE
from evals.reports import machine
from evals.routing.evaluation import Evaluated, Row

COLUMNS: Final = (
    ("recruiter", "recruiter"),
    ("point", "set to"),
    ("accuracy", "right"),
    ("accuracy_ci", "95 %"),
    ("calls", "calls"),
    ("usd_per_1k", "$ for 1,000"),
    ("tokens", "tokens"),
    ("price_of_best_single", "of best single's price"),
    ("over_best_single", "points over best single"),
    ("over_majority", "points over majority of all"),
    ("apgr", "APGR"),
    ("aiq", "AIQ"),
    ("ece", "calibration error"),
    ("oracle_gap", "oracle gap %"),
    ("calls_by_difficulty", "calls easy/mid/hard"),
)
"""What the tables show of a row, and under which heading."""


def page(found: Sequence[tuple[Evaluated, Sequence[Path]]], command: str) -> str:
    """Return the whole page."""
    parts = "".join(_section(evaluated, plots) for evaluated, plots in found)
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>conclave eval routing</title><style>{STYLE}</style>"
        f"<h1>conclave eval routing</h1><p><code>{escape(command)}</code><br>{escape(machine())}</p>{parts}</html>\n"
    )


def told(value: object) -> str:
    """Return a cell's text: a difference with its interval as `+1.20 (0.80 to 1.60)`, nothing as nothing."""
    if value is None:
        return ""
    if isinstance(value, list) and len(value) == 3 and all(isinstance(one, float | int) for one in value):
        mean, low, high = value
        return f"{mean:+.2f} ({low:+.2f} to {high:+.2f})" if low <= mean <= high else " / ".join(map(str, value))
    if isinstance(value, list):
        return " to ".join("" if one is None else str(one) for one in value)
    return str(value)


def _section(evaluated: Evaluated, plots: Sequence[Path]) -> str:
    shown = [(key, title) for key, title in COLUMNS if any(row.get(key) is not None for row in evaluated.rows)]
    head = "".join(f"<th>{escape(title)}" for _, title in shown)
    body = "".join(f"<tr>{''.join(_cell(row, key) for key, _ in shown)}</tr>" for row in evaluated.rows)
    drawn = "".join(_drawing(path) for path in plots if path.suffix == ".svg")
    material = evaluated.material
    experts, splits = len(material.lessons.experts), len(evaluated.examined)
    noted = f"{len(material.lessons):,} questions, {experts} experts, {splits} splits"
    estimated = f"; {material.estimated:.0%} of prices were not recorded and put in" if material.estimated else ""
    return f"<h2>{escape(material.name)}</h2><p>{noted}{estimated}</p>{drawn}<table><tr>{head}</tr>{body}</table>"


def _drawing(path: Path) -> str:
    _, tag, rest = path.read_text(encoding="utf-8").partition("<svg")
    return tag + rest


def _cell(row: Row, key: str) -> str:
    return f"<td>{escape(told(row.get(key)))}</td>"
