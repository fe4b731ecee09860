"""`conclave bench`: measurements that show each figure beside its aim, and exit 0 also when an aim is missed."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.situation import configure_logging, settings_with
from cli.terminal import AsJson, print_json, print_table, say
from core.errors import NotFound

if TYPE_CHECKING:
    from evals.bench.registry import Bench
    from evals.reports import Report


def bench(
    name: Annotated[str, typer.Argument(help="What to measure, or all.")] = "all",
    out: Annotated[Path | None, typer.Option("--out", help="Also write the JSON object and a page there.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure what the machinery costs."""
    from evals.bench.registry import BENCHES
    from evals.pages import write

    if name != "all" and name not in BENCHES:
        raise NotFound.named("bench", name, [*BENCHES, "all"])
    configure_logging(settings_with(), quiet=True)
    for chosen in BENCHES if name == "all" else (name,):
        report = asyncio.run(_measured(BENCHES[chosen]))
        if out is not None:
            write(report, out)
        if as_json:
            print_json(report.as_json())
        else:
            _show(report)


async def _measured(bench: Bench) -> Report:
    return await bench(say)


def _show(report: Report) -> None:
    typer.secho(f"\n{report.name}", bold=True)
    verdicts = {None: "", True: "met", False: "missed"}
    rows = [
        (
            figure.name,
            f"{figure.value:,.4g}",
            figure.unit,
            figure.aim or "",
            verdicts[figure.met],
            figure.reference or "",
        )
        for figure in report.figures
    ]
    print_table(("figure", "value", "unit", "aim", "", "compared with"), rows)
    for note in report.notes:
        typer.echo(note)
