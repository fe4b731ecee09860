"""`conclave serve` starts everything, keeps it running, and leaves nothing behind however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.fixtures.service import Served, processes_of, serving, until, variables

CONFIGURATION = """\
version: 1
experts:
  parrot: {script: echo}
  calculator: {tool: calculator, abilities: [arithmetic]}
pools:
  default: {experts: [parrot, calculator], k: {max: 1}}
  sums: {experts: [calculator]}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for the tests that only ask it."""
    with serving(tmp_path_factory.mktemp("served"), CONFIGURATION) as service:
        yield service
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(60) == 0
        assert until(lambda: processes_of(service.home) == []), processes_of(service.home)
        assert not (service.home / "service.json").exists()


def test_it_is_ready_when_it_says_so_and_keeps_its_first_key(served: Served) -> None:
    with urlopen(f"{served.told['url']}/health/ready", timeout=5) as answer:  # noqa: S310  # our own service
        status = answer.status

    key_file = Path(served.told["key_file"])
    assert status == 200
    assert key_file.read_text("utf-8").strip() == served.told["new_key"]
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_its_parts_are_well(served: Served) -> None:
    told = [json.loads(served.run("health", part, "--json").stdout) for part in ("worker", "host")]

    assert told == [{"part": "worker", "ok": True}, {"part": "host", "ok": True}]


def test_a_second_service_on_the_same_directory_is_refused(served: Served) -> None:
    done = served.run("serve", "--port", "0")

    assert done.returncode == 2
    assert f"already running on {served.home} (pid {served.process.pid}, {served.told['url']})" in done.stderr


def test_a_taken_port_is_a_clear_error(served: Served, tmp_path: Path) -> None:
    port = served.told["url"].rpartition(":")[2]
    (tmp_path / "conclave.yaml").write_text(CONFIGURATION, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "serve", "--port", port],
        env=variables(tmp_path / "home"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use; choose another with --port" in done.stderr


def test_ask_streams_the_answer_to_stdout(served: Served) -> None:
    done = served.run("ask", "hello there", "--pool", "expert/parrot")

    assert (done.returncode, done.stdout, done.stderr) == (0, "You asked: hello there\n", "")


def test_ask_prints_the_whole_story_as_json(served: Served) -> None:
    done = served.run("ask", "What is 17.5% of 2340?", "--pool", "sums", "--json")

    told = json.loads(done.stdout)
    assert "409.5" in told["answer"]
    assert [seat["expert"] for seat in told["decision"]["panel"]] == ["calculator"]
    assert {"skills", "thoughts", "usage", "cost_usd", "run_id", "stop_reason"} <= set(told)
    assert told["decision"]["excluded"] == []


def test_ask_explains_in_lines(served: Served) -> None:
    lines = served.run("ask", "What is 2 + 2?", "--explain").stdout.splitlines()

    labels = [line.split()[0] for line in lines if line[:1] != " "]
    assert labels == ["skills", "decision", "thoughts", "answer", "cost"]


def test_route_decides_without_asking(served: Served) -> None:
    told = json.loads(served.run("route", "Translate 'good morning' to French", "--json").stdout)

    assert [seat["expert"] for seat in told["decision"]["panel"]] == ["parrot"]
    assert [out["expert"] for out in told["decision"]["excluded"]] == ["calculator"]


def test_two_questions_at_once_without_a_service_are_both_answered(tmp_path: Path) -> None:
    (tmp_path / "conclave.yaml").write_text(CONFIGURATION, encoding="utf-8")
    command = [sys.executable, "-m", "cli.main", "route", "hello"]
    both = [
        subprocess.Popen(
            command, env=variables(tmp_path / "home"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]

    said = [process.communicate(timeout=60) for process in both]

    assert [process.returncode for process in both] == [0, 0], said
    assert all("parrot" in out for out, _ in said)


def test_an_unknown_pool_is_told_with_near_names(served: Served) -> None:
    done = served.run("ask", "hello", "--pool", "defualt")

    assert done.returncode == 2
    assert 'did you mean "default"' in done.stderr


def test_keys_are_managed_while_it_runs(served: Served) -> None:
    made = json.loads(served.run("keys", "create", "--name", "bob", "--json").stdout)

    names = [key["name"] for key in json.loads(served.run("keys", "ls", "--json").stdout)["keys"]]
    assert {"bob", "first"} <= set(names)
    assert made["scopes"] == ["run"]


def test_a_killed_part_comes_back(served: Served) -> None:
    def api() -> list[int]:
        return [pid for pid in processes_of(served.home) if b"\0api\0" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    (before,) = api()

    os.kill(before, signal.SIGKILL)

    assert until(lambda: api() not in ([], [before]))
    assert until(lambda: served.run("ask", "again", "--pool", "expert/parrot").stdout == "You asked: again\n", 40)


def test_nothing_is_left_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with serving(tmp_path, CONFIGURATION) as service:
        assert len(processes_of(service.home)) >= 6

        service.process.kill()
        service.process.wait()

        assert until(lambda: processes_of(service.home) == [], 40), processes_of(service.home)
