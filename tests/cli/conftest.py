"""Runs `conclave` as people do: as a process, with a state directory of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

Run = Callable[..., "subprocess.CompletedProcess[str]"]


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
