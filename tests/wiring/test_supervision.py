"""Processes are started in order, restarted within a budget, stopped in reverse, and never left behind."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from api import serve
from core.clock import SystemClock
from core.errors import ConclaveError, ConfigurationError, Unavailable
from core.experts import Catalogue
from core.settings import Settings
from tests.architecture.tree import ROOT
from wiring.configuration.values import Configuration
from wiring.supervision.children import RestartPolicy, Supervisor
from wiring.supervision.installation import Installation
from wiring.supervision.logs import last_lines, open_log, rotate
from wiring.supervision.process import ChildProcess, ChildSpec

QUICK = RestartPolicy(budget=2, window_s=60, first_s=0.01, longest_s=0.02)
WAIT = "import signal, sys; signal.signal(15, lambda *_: sys.exit(0)); print('up', flush=True); signal.pause()"
STUBBORN = "import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"
MakeChild = Callable[..., ChildProcess]


@pytest.fixture
def child(tmp_path: Path) -> MakeChild:
    """Make a child that runs a Python program and is ready once it said `up`."""

    def make(name: str, program: str = WAIT, ready_s: float = 20, grace_s: float = 5) -> ChildProcess:
        async def ready() -> bool:
            return "up" in await asyncio.to_thread(last_lines, tmp_path / f"{name}.log", 5)

        command = (sys.executable, "-c", program)
        spec = ChildSpec(name, command, {}, tmp_path, ready=ready, ready_s=ready_s, grace_s=grace_s)
        return ChildProcess(spec, SystemClock())

    return make


def supervisor() -> Supervisor:
    """A supervisor that restarts quickly."""
    return Supervisor(SystemClock(), random.Random(7), QUICK)


def alive(pid: int) -> bool:
    """Whether a process is there and not a zombie."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    return False


async def until(true: Callable[[], bool], deadline_s: float = 20) -> None:
    """Wait for what other processes bring about."""
    moment = asyncio.Event()
    async with asyncio.timeout(deadline_s):
        while not await asyncio.to_thread(true):
            with suppress(TimeoutError):
                await asyncio.wait_for(moment.wait(), 0.02)


async def test_a_killed_child_is_started_again(child: MakeChild) -> None:
    part, keeper = child("a"), supervisor()
    await keeper.start(part)
    first = part.pid
    assert first is not None

    os.kill(first, signal.SIGKILL)
    await until(lambda: part.pid not in (None, first))

    await keeper.stop()
    assert part.pid is None


async def test_a_child_that_keeps_ending_uses_up_its_budget(child: MakeChild) -> None:
    part, keeper = child("a", "print('up', flush=True)"), supervisor()
    await keeper.start(part)

    with pytest.raises(Unavailable, match=r"a ended with exit code 0, after 2 restarts in 60 seconds"):
        await asyncio.wait_for(keeper.watch(asyncio.Event()), 20)

    await keeper.stop()


async def test_a_child_that_ends_before_it_is_ready_fails_the_start_with_its_last_words(child: MakeChild) -> None:
    part, keeper = child("a", "import sys; sys.exit('port 80 is taken')"), supervisor()

    with pytest.raises(Unavailable, match=r"a ended with exit code 1: port 80 is taken \(log: .*a\.log\)"):
        await keeper.start(part)

    await keeper.stop()


async def test_a_child_with_a_wrong_configuration_says_so(child: MakeChild) -> None:
    part = child("a", "import sys; print('line 3 is wrong'); sys.exit(2)")

    with pytest.raises(ConfigurationError, match="line 3 is wrong"):
        await part.start()


async def test_a_child_that_is_never_ready_is_ended_at_its_deadline(child: MakeChild) -> None:
    part = child("a", "import signal; signal.pause()", ready_s=0.3)

    with pytest.raises(ConclaveError, match=r"was not ready after 0\.3 seconds"):
        await part.start()

    assert part.pid is None


async def test_a_child_that_ignores_the_request_to_end_is_killed_after_its_grace(child: MakeChild) -> None:
    part = child("a", STUBBORN, grace_s=0.2)
    await part.start()
    pid = part.pid
    assert pid is not None

    await part.stop()

    assert not alive(pid)


def test_the_api_is_given_the_time_it_promises_to_answers_under_way(tmp_path: Path) -> None:
    configuration = Configuration("test", tmp_path / "conclave.yaml", Catalogue(), pools={})
    installation = Installation(Settings(home=tmp_path), configuration, SystemClock(), print)
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))

    grace_s = installation._child("api", {}, "127.0.0.1", 1)._spec.grace_s
    composed_s = float(compose["services"]["api"]["stop_grace_period"].removesuffix("s"))

    assert min(grace_s, composed_s) > serve._GRACE_S + serve._NOTICE_S


async def test_parts_stop_in_the_reverse_order_of_their_start(tmp_path: Path) -> None:
    order: list[str] = []

    class Recorded:
        def __init__(self, name: str) -> None:
            self.name = name

        async def start(self) -> None:
            order.append(f"+{self.name}")

        async def ended(self) -> str:
            await asyncio.Event().wait()
            return "never"

        async def stop(self) -> None:
            order.append(f"-{self.name}")

    keeper = supervisor()
    await keeper.start(Recorded("store"))
    await keeper.start(Recorded("host"), Recorded("api"))

    await keeper.stop()

    assert order == ["+store", "+host", "+api", "-api", "-host", "-store"]


SUPERVISE = """
import asyncio, random, sys
from pathlib import Path
from core.clock import SystemClock
from wiring.supervision.children import Supervisor
from wiring.supervision.process import ChildProcess, ChildSpec

CHILD = "from wiring.supervision.parent import die_with_parent; die_with_parent(); import signal; signal.pause()"

async def main():
    part = ChildProcess(ChildSpec("a", (sys.executable, "-c", CHILD), {}, Path(sys.argv[1])), SystemClock())
    await Supervisor(SystemClock(), random.Random()).start(part)
    print(part.pid, file=sys.stderr)
    await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_no_child_outlives_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SUPERVISE, str(tmp_path)]
    parent = await asyncio.create_subprocess_exec(
        *command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin"}
    )
    assert parent.stderr is not None
    pid = int(await asyncio.wait_for(parent.stderr.readline(), 20))
    assert alive(pid)

    parent.kill()
    await parent.wait()

    await until(lambda: not alive(pid))


def test_waits_between_restarts_grow_and_are_bounded() -> None:
    policy, rng = RestartPolicy(first_s=1, longest_s=8), random.Random(1)

    waits = [policy.wait_s(recent, rng) for recent in range(10)]

    assert all(min(8, 2**recent) / 2 <= wait <= min(8, 2**recent) for recent, wait in enumerate(waits))


def test_a_log_is_rotated_when_it_is_large_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "a.log"
    log = open_log(path)
    os.write(log, b"old\n")

    assert rotate(path, limit=3)
    os.write(log, b"new\n")
    os.close(log)

    assert path.read_text("utf-8") == "new\n"
    assert path.with_name("a.log.1").read_text("utf-8") == "old\n"
    assert path.stat().st_mode & 0o777 == 0o600
