"""Configurations to start from, and to break."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from wiring.configuration.building import Terms
from wiring.configuration.loading import Examined, examine

GOOD = """\
version: 1
models:
  small: {sources: [package: llm-small], sha256: SHA, context: 2048, slots: 8, memory: 1GiB}
experts:
  coder: {model: hosted/small, system: "You write code."}
  calculator: {tool: calculator}
  gpt: {model: openai/gpt-x, key: ${GPT_KEY}}
pools:
  default: {experts: [coder, calculator, gpt]}
""".replace("SHA", "ab" * 32)

Examine = Callable[..., Examined]
Complain = Callable[..., list[str]]


def unknown_terms(_: str) -> Terms | None:
    """Stand in for the bundled price file where prices do not matter."""
    return None


@pytest.fixture
def examined(tmp_path: Path) -> Examine:
    """Examine a text as conclave.yaml, with variables."""

    def run(text: str, **variables: str) -> Examined:
        path = tmp_path / "conclave.yaml"
        path.write_text(text, encoding="utf-8")
        return examine(path, variables, known=unknown_terms)

    return run


@pytest.fixture
def complaints(examined: Examine, tmp_path: Path) -> Complain:
    """Return what is said against a text, line by line, without the folder."""

    def run(text: str, **variables: str) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            examined(text, **variables)
        return caught.value.message.replace(f"{tmp_path}/", "").splitlines()

    return run
