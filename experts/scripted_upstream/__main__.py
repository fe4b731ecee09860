"""Runs the scripted upstream until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable

from experts.scripted_upstream.server import ScriptedUpstream


def main() -> None:
    """Serve on loopback; says where on standard output once it listens."""
    parser = argparse.ArgumentParser(prog="python -m experts.scripted_upstream", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the port to listen on; 0 takes a free one")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=_fastest_loop()) as runner:
        runner.run(_serve(options.port))


def _fastest_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


async def _serve(port: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with ScriptedUpstream(port) as upstream:
        sys.stdout.write(f"{upstream.url}\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    main()
