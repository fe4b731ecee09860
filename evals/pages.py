"""A report as one HTML page with its bars drawn in SVG, also on their own: no script, no outside file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path

from core.messages import Json
from evals.reports import Figure, Report, machine

STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .75rem;border-bottom:1px solid #ddd;"
    "text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums}.missed{color:#b00020}.met{color:#1b7f3b}"
)
_BAR_WIDTH, _BAR_PITCH = 420, 36
_COLOURS = {"met": "#1b7f3b", "missed": "#b00020"}


def write(report: Report, folder: Path) -> None:
    """Write `NAME.json`, `NAME.html` and `NAME.svg` into `folder`, making it when it is not there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{report.name}.json").write_text(json.dumps(report.as_json(), indent=2) + "\n", encoding="utf-8")
    (folder / f"{report.name}.html").write_text(page(report), encoding="utf-8")
    (folder / f"{report.name}.svg").write_text(drawing(report), encoding="utf-8")


def page(report: Report) -> str:
    """Return the whole page."""
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(report.name)}</title><style>{STYLE}</style>"
        f"<h1>conclave bench {escape(report.name)}</h1><p>{escape(machine())}</p>{_figures(report)}{drawing(report)}"
        f"{_rows(report)}{''.join(f'<p>{escape(note)}</p>' for note in report.notes)}</html>\n"
    )


def drawing(report: Report) -> str:
    """Return one SVG with a bar for every figure that has an aim, and a stroke where its aim is."""
    aimed = [(figure, _bound(figure)) for figure in report.figures if figure.aim is not None]
    bars = "".join(
        f'<g transform="translate(0 {index * _BAR_PITCH})"><text y="14" font-size="12">{escape(figure.name)}</text>'
        f'<rect y="20" height="10" width="{_length(figure.value, bound)}" fill="{_COLOURS[_verdict(figure)]}"/>'
        f'<line x1="{_BAR_WIDTH}" x2="{_BAR_WIDTH}" y1="17" y2="33" stroke="#222"/></g>'
        for index, (figure, bound) in enumerate(aimed)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{len(aimed) * _BAR_PITCH}" role="img" '
        f'aria-label="{escape(report.name)}" font-family="system-ui,sans-serif">{bars}</svg>\n'
    )


def _figures(report: Report) -> str:
    lines = "".join(
        f"<tr><td>{escape(figure.name)}</td><td class=n>{figure.value:.4g}</td><td>{escape(figure.unit)}</td>"
        f"<td>{escape(figure.aim or '')}</td><td class={_class(figure)}>{_verdict(figure)}</td>"
        f"<td>{escape(figure.reference or '')}</td></tr>"
        for figure in report.figures
    )
    return f"<table><tr><th>figure<th>value<th>unit<th>aim<th>met<th>reference</tr>{lines}</table>"


def _rows(report: Report) -> str:
    if not report.rows:
        return ""
    columns = list(dict.fromkeys(column for row in report.rows for column in row))
    head = "".join(f"<th>{escape(column)}" for column in columns)
    body = "".join(f"<tr>{''.join(_cell(row, column) for column in columns)}</tr>" for row in report.rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(row: Mapping[str, Json], column: str) -> str:
    value = row.get(column)
    if isinstance(value, float):
        return f"<td class=n>{value:.4g}</td>"
    return f"<td>{escape('' if value is None else str(value))}</td>"


def _bound(figure: Figure) -> float:
    return float((figure.aim or "<= 1").split(maxsplit=1)[1])


def _length(value: float, bound: float) -> int:
    return max(1, min(700, int(_BAR_WIDTH * value / bound))) if bound else 1


def _verdict(figure: Figure) -> str:
    return {True: "met", False: "missed", None: ""}[figure.met]


def _class(figure: Figure) -> str:
    return {True: "met", False: "missed", None: "none"}[figure.met]
