"""A host that is killed while a server of it runs: prints the server's process group and kills itself."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from workers.hosting.server_process import ServerProcess


async def main(log: Path) -> None:
    """Start a server that has a child of its own, and die without a word to either."""
    process = await ServerProcess.begin(["sh", "-c", "sleep 1000 & echo up; sleep 1001"], log)
    print(process.group, flush=True)  # noqa: T201  # what the test reads
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
