"""Runs `conclave` as people do: as a process, with a state directory of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.api.conftest import CLOCK, container_on, minted, served
from tests.api.scripted import ScriptedConvener, ScriptedRecruiter
from tests.architecture.tree import ROOT
from wiring.container import Container

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@contextmanager
def elsewhere(postgres_url: str, valkey_url: str, key: str) -> Iterator[dict[str, str]]:
    """A service that no command here started, as the variables that name it and a key of it."""
    stored, shown = minted()
    recruiter = ScriptedRecruiter()

    async def build() -> Container:
        container = container_on(postgres_url, ScriptedConvener(recruiter, CLOCK), recruiter, valkey_url)
        for one in stored:
            await container.keys.add(one)
        return container

    with served(build) as url:
        yield {"CONCLAVE_URL": url, "CONCLAVE_API_KEY": shown[key]}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The state directory."""
    return tmp_path / "home"


@pytest.fixture
def conclave(home: Path, tmp_path: Path) -> Run:
    """Run a command to its end, in an empty directory."""
    folder = tmp_path / "work"
    folder.mkdir()

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "CONCLAVE_HOME": str(home), **variables}
        command = [sys.executable, "-m", "cli.main", *arguments]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    return run
