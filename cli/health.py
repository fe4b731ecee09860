"""`conclave health`: whether one part of a service is well, as an exit code for health checks."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from cli.situation import configuration_of, settings_with
from cli.terminal import AsJson, print_json, say
from core.errors import Unavailable
from core.settings import Settings


class Part(StrEnum):
    """The parts of a service."""

    API = "api"
    WORKER = "worker"
    HOST = "host"


def health(part: Annotated[Part, typer.Argument(help="Which part.")], as_json: AsJson = False) -> None:
    """Exit with 0 when a part that runs here is well, with 1 and the reason when it is not."""
    try:
        _check(settings_with(), part)
    except Unavailable as error:
        if not as_json:
            raise
        print_json({"part": part, "ok": False, "why": error.message})
        raise typer.Exit(1) from None
    if as_json:
        print_json({"part": part, "ok": True})
    else:
        say(f"{part} is well")


def _check(settings: Settings, part: Part) -> None:
    if part is Part.API:
        asyncio.run(_check_api(settings))
    else:
        _check_pulse(settings, part)


async def _check_api(settings: Settings) -> None:
    from wiring.supervision.installation import answers

    api = configuration_of(settings).api
    host = settings.host or api.host
    address = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  # asked, not bound
    port = settings.port if settings.port is not None else api.port
    if not await answers(address, port, "/health/ready"):
        raise Unavailable(f"the API on {address} port {port} does not say that it is ready")


def _check_pulse(settings: Settings, part: Part) -> None:
    from core.clock import SystemClock
    from wiring.supervision.pulse import ALIVE_S, pulse_age_s

    age = pulse_age_s(settings.home, part, SystemClock())
    if age is None or age > ALIVE_S:
        raise Unavailable(f"no {part} of {settings.home} gave a sign of life within {ALIVE_S:g} s")
