"""`conclave serve`: everything on this machine, supervised, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from cli.situation import ConfigOption, HostOption, PortOption, configuration_of, configure_logging, settings_with
from cli.terminal import AsJson, print_json, say

if TYPE_CHECKING:
    from core.settings import Settings


def serve(
    config: ConfigOption = None, host: HostOption = None, port: PortOption = None, as_json: AsJson = False
) -> None:
    """Start the service on this machine; Ctrl-C stops it.

    Starts PostgreSQL and Valkey, or uses those of CONCLAVE_DATABASE_URL and CONCLAVE_REDIS_URL, applies the migrations,
    then runs the host of local models, the worker and the API. State lives in CONCLAVE_HOME (~/.conclave).
    """
    settings = settings_with(config, host, port)
    configure_logging(settings)
    asyncio.run(_serve(settings, as_json=as_json))


async def _serve(settings: Settings, *, as_json: bool) -> None:
    from core.clock import SystemClock
    from wiring.supervision.installation import Installation

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    clock = SystemClock()
    began = clock.monotonic()
    async with Installation(settings, configuration_of(settings), clock, say) as installation:
        starting = asyncio.create_task(installation.start())
        asked = asyncio.create_task(stop.wait())
        await asyncio.wait({starting, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            say("stopping before the start was over")
            return
        asked.cancel()
        serving = starting.result()
        seconds = clock.monotonic() - began
        if as_json:
            print_json(
                {"url": serving.url, "key_file": str(serving.key_file), "new_key": serving.new_key, "seconds": seconds}
            )
        else:
            say(f"ready after {seconds:.1f} s")
            print(f"url  {serving.url}/v1", flush=True)  # noqa: T201  # the data of this verb
            shown = f"{serving.new_key}  (shown once)" if serving.new_key else f"in {serving.key_file}"
            print(f"key  {shown}", flush=True)  # noqa: T201  # the data of this verb
        await installation.watch(stop)
        say("stopping")
