"""The entry point: assembles the verbs and turns errors into one line on stderr and an exit code.

Exit codes: 0 done, 1 failed, 2 used or configured wrongly. What a verb needs is imported when it runs.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from cli import (
    ask,
    batch,
    catalogue,
    config,
    demo,
    doctor,
    evaluating,
    feedback,
    health,
    hosting,
    keys,
    measuring,
    processes,
    profile,
    regret,
    route,
    serve,
    spending,
)
from core.errors import ConclaveError, ConfigurationError, InvalidRequest, NotFound

app = typer.Typer(
    name="conclave",
    help="Answers a query by convening the right experts, within a budget, and says why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("serve")(serve.serve)
app.command("ask")(ask.ask)
app.command("batch")(batch.batch)
app.command("feedback")(feedback.feedback)
app.command("usage")(spending.usage)
app.command("budgets")(spending.budgets)
app.command("route")(route.route)
app.command("regret")(regret.regret)
app.add_typer(catalogue.experts, name="experts")
app.add_typer(catalogue.pools, name="pools")
app.command("routers")(catalogue.routers)
app.add_typer(hosting.models, name="models")
app.add_typer(hosting.hosts, name="hosts")
app.add_typer(profile.app, name="profile")
app.add_typer(config.app, name="config")
app.add_typer(keys.app, name="keys")
app.command("doctor")(doctor.doctor)
app.command("demo")(demo.demo)
app.command("bench")(measuring.bench)
app.add_typer(evaluating.app, name="eval")
app.command("api", rich_help_panel="Parts of a service")(processes.api)
app.command("worker", rich_help_panel="Parts of a service")(processes.worker)
app.command("host", rich_help_panel="Parts of a service")(processes.host)
app.command("health", rich_help_panel="Parts of a service")(health.health)
app.command("migrate", rich_help_panel="Parts of a service")(processes.migrate)
app.command("prepare", hidden=True)(processes.prepare)

_MISUSE = (ConfigurationError, InvalidRequest, NotFound)


def _show_version(wanted: bool) -> None:
    if not wanted:
        return
    try:
        number = version("conclave")
    except PackageNotFoundError:
        number = "unknown (not installed)"
    typer.echo(f"conclave {number}")
    raise typer.Exit


@app.callback()
def root(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Answers a query by convening the right experts, within a budget, and says why."""
    del show_version


def main() -> None:
    """Run the command line."""
    try:
        app()
    except ConclaveError as error:
        # Mistakes in a file start with its name and line, so that editors can jump there.
        typer.echo(error.message if isinstance(error, ConfigurationError) else f"conclave: {error.message}", err=True)
        sys.exit(2 if isinstance(error, _MISUSE) else 1)
    except BrokenPipeError:
        # The reader of our output is gone; Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
