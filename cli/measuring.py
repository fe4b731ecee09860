"""`conclave bench`: measurements that show each figure beside its aim, and exit 0 also when an aim is missed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.situation import configure_logging, settings_with
from cli.terminal import print_table, say
from core.errors import NotFound

if TYPE_CHECKING:
    from evals.bench.registry import Bench
    from evals.reports import Report


def bench(
    name: Annotated[str, typer.Argument(help="What to measure, or all.")] = "all",
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Measure grouping on simulated hosts, under a virtual clock.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="Also write each as a JSON object, a page and a drawing there.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines: one object a line for each.")] = False,
) -> None:
    """Measure what the machinery costs."""
    from evals.bench.registry import BENCHES

    name = f"{name}-simulated" if simulate else name
    if name != "all" and name not in BENCHES:
        raise NotFound.named("bench", name, [*BENCHES, "all"])
    configure_logging(settings_with(), quiet=True)
    measure(BENCHES.values() if name == "all" else (BENCHES[name],), out, as_json=as_json)


def measure(benches: Iterable[Bench], out: Path | None, *, as_json: bool) -> None:
    """Run benchmarks one after another; tell each outcome on stdout as soon as it is there, and write it to `out`."""
    from evals.pages import write

    for bench in benches:
        report = asyncio.run(_measured(bench))
        if out is not None:
            write(report, out)
        if as_json:
            # One line also where a person watches: the lines are what tells the objects apart.
            typer.echo(json.dumps(report.as_json(), ensure_ascii=False))
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
