"""What every verb prints with: JSON or a table on stdout, progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def print_json(value: object) -> None:
    """Print a value as JSON on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under headings on stdout, as wide as they need when nobody watches."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else 200
    Console(width=width, highlight=False, markup=False).print(table)


def say(text: str) -> None:
    """Tell about progress on stderr."""
    typer.echo(text, err=True)


def usd(amount: float) -> str:
    """Return dollars with as many decimals as matter: `$0`, `$0.05`, `$0.000125`."""
    if amount == 0:
        return "$0"
    text = f"{amount:.6f}".rstrip("0")
    return f"${text}00"[: max(len(text) + 1, text.index(".") + 4)]


def picked(source: Mapping[str, object], *names: str) -> dict[str, object]:
    """Return some entries of a mapping, in the order named."""
    return {name: source[name] for name in names if name in source}
