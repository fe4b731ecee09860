"""`conclave doctor`: one line for everything a start needs, before anything is started."""

from __future__ import annotations

import asyncio

import typer

from cli.situation import ConfigOption, configure_logging, settings_with
from cli.terminal import AsJson, print_json


def doctor(config: ConfigOption = None, as_json: AsJson = False) -> None:
    """Check Python, packages, weights, ports, disk, stores and configuration; exit 1 when something fails."""
    from cli.checks import Standing, examine_all

    settings = settings_with(config)
    configure_logging(settings, quiet=True)
    findings = asyncio.run(examine_all(settings))
    if as_json:
        print_json(
            {
                "ok": all(finding.standing is not Standing.FAIL for finding in findings),
                "checks": [
                    {"name": finding.name, "standing": finding.standing.value, "detail": finding.detail}
                    for finding in findings
                ],
            }
        )
    else:
        colours = {Standing.OK: typer.colors.GREEN, Standing.WARN: typer.colors.YELLOW, Standing.FAIL: typer.colors.RED}
        for finding in findings:
            typer.secho(f"{finding.standing.value:<5}", fg=colours[finding.standing], nl=False)
            typer.echo(f"{finding.name:<14} {finding.detail}")
    if any(finding.standing is Standing.FAIL for finding in findings):
        raise typer.Exit(1)
