"""The shipped default: `conclave demo` on the repository's own configuration and its three local models."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from cli.explaining import lines_of
from tests.architecture.tree import ROOT

# Whichever test comes first waits for the demo: a minute, and longer where models are assembled for the first time.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def demo() -> subprocess.CompletedProcess[str]:
    """The demo, run once to its end."""
    return subprocess.run(
        [sys.executable, "-m", "cli.main", "demo", "--json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=270,
        check=True,
    )


def told(demo: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    """How each question was answered."""
    found: list[dict[str, Any]] = json.loads(demo.stdout)["questions"]
    return found


def test_arithmetic_is_answered_by_the_calculator(demo: subprocess.CompletedProcess[str]) -> None:
    arithmetic, _ = told(demo)

    assert "409.5" in arithmetic["answer"]
    assert [thought["expert"] for thought in arithmetic["thoughts"]] == ["calculator"]


def test_an_open_question_is_answered_by_a_panel_of_language_models(demo: subprocess.CompletedProcess[str]) -> None:
    _, floating = told(demo)

    spoke = {thought["expert"] for thought in floating["thoughts"] if thought["usage"]["output_tokens"] > 0}
    assert len(spoke - {"calculator"}) >= 2
    assert floating["answer"]


def test_the_readme_shows_the_lines_that_the_demo_prints(demo: subprocess.CompletedProcess[str]) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (block,) = re.findall(r"```\n(starting .*?)```", readme, re.DOTALL)
    shown = [line.split()[0] for line in block.splitlines() if line[:1].strip()]

    progress = [line.split()[0] for line in demo.stderr.splitlines() if not line.startswith("{")]  # a log's warning
    stories = iter(told(demo))
    printed: list[str] = []
    for label in progress:
        printed.append(label)
        if label == "asking":
            printed += ["question", *(label for label, _ in lines_of(next(stories)) if label)]

    assert [label.rstrip(";") for label in shown] == [label.rstrip(";") for label in printed]
