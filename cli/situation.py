"""Where a verb runs: settings, configuration and logging, from the environment and the options it was given."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from core.settings import Settings
    from wiring.configuration.values import Configuration

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", help="conclave.yaml to use (CONCLAVE_CONFIG).", show_default=False)
]
HostOption = Annotated[str | None, typer.Option("--host", help="Address to listen on (CONCLAVE_HOST).")]
PortOption = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0 takes a free one.")
]


def settings_with(config: Path | None = None, host: str | None = None, port: int | None = None) -> Settings:
    """Return the settings of this process, with what the command line says over them."""
    from core.settings import load_settings

    given = {"config": config, "host": host, "port": port}
    return load_settings().model_copy(update={name: value for name, value in given.items() if value is not None})


def configuration_of(settings: Settings) -> Configuration:
    """Return the validated configuration; raises `ConfigurationError` naming file, line and key."""
    from core.settings import environment
    from wiring.configuration.loading import load_configuration

    return load_configuration(settings.config, environment())


def configure_logging(settings: Settings, *, quiet: bool = False) -> None:
    """Send structured logs to stderr: JSON unless a person watches; only warnings when `quiet`."""
    import structlog

    level = max(logging.getLevelNamesMapping().get(settings.log_level.upper(), logging.INFO), logging.WARNING * quiet)
    people = settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if people else structlog.processors.JSONRenderer()
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
