"""`conclave config`: is the file right, what would a LiteLLM file be here, and the schema for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.situation import ConfigOption, settings_with
from cli.terminal import AsJson, print_json, say
from core.errors import ConfigurationError

app = typer.Typer(help="Check, import and describe conclave.yaml.", no_args_is_help=True)


@app.command("check")
def check(
    path: Annotated[
        Path | None, typer.Argument(help="The file; by default the one in use.", show_default=False)
    ] = None,
    config: ConfigOption = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a configuration is right; exit 2 with one line for every mistake."""
    from core.settings import environment
    from wiring.configuration.loading import examine

    settings = settings_with(path or config)
    try:
        found = examine(settings.config, environment())
    except ConfigurationError as error:
        if not as_json:
            raise
        print_json({"ok": False, "errors": error.message.splitlines(), "remarks": []})
        raise typer.Exit(2) from None
    configuration = found.configuration
    if as_json:
        print_json(
            {
                "ok": True,
                "path": str(configuration.path),
                "version": configuration.version,
                "errors": [],
                "remarks": list(found.remarks),
            }
        )
        return
    for remark in found.remarks:
        say(f"{configuration.path}: note: {remark}")
    experts, pools = len(configuration.catalogue.experts), len(configuration.pools)
    counted = f"{experts} expert{'s' * (experts != 1)} in {pools} pool{'s' * (pools != 1)}"
    typer.echo(f"{configuration.path}: ok, {counted} (version {configuration.version})")


@app.command("import-litellm")
def import_litellm(
    path: Annotated[Path, typer.Argument(help="A LiteLLM proxy configuration.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Print a LiteLLM configuration as conclave.yaml; what cannot be carried over is said on stderr."""
    from wiring.configuration.litellm_import import import_litellm as translate

    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    found = translate(content, str(path))
    if as_json:
        print_json({"text": found.text, "remarks": list(found.remarks)})
        return
    for remark in found.remarks:
        say(f"{path}: note: {remark}")
    typer.echo(found.text, nl=False)


@app.command("schema")
def schema(as_json: AsJson = True) -> None:
    """Print the JSON Schema of conclave.yaml, for editors."""
    del as_json
    from wiring.configuration.schema import json_schema

    print_json(json_schema())
