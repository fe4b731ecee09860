"""Guards that hold for every test: no provider keys, no blocking of the event loop, no timed examples.

Sockets beyond loopback are refused and warnings are errors by pyproject.toml.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from blockbuster import blockbuster_ctx

pytest_plugins = ["tests.fixtures.servers"]

ROOT = Path(__file__).resolve().parent.parent
ROOMS = sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests")

# Vendors that would otherwise fetch a price map, send traces or ask a hub.
QUIET = {"HF_HUB_OFFLINE": "1", "LANGSMITH_TRACING": "false", "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
SECRETS = ("_API_KEY", "_ACCESS_KEY", "_AUTH_TOKEN")

# No deadline: a busy machine must not fail a law.
hypothesis.settings.register_profile("conclave", deadline=None, print_blob=True)
hypothesis.settings.load_profile("conclave")


def pytest_configure() -> None:
    """Clean the environment before any test module is imported: vendors read it at import."""
    for name in list(os.environ):
        if name.endswith(SECRETS) or name.startswith("CONCLAVE_"):
            del os.environ[name]
    os.environ.update(QUIET)


@pytest.fixture(autouse=True)
def no_blocking_calls_in_the_event_loop() -> Iterator[None]:
    """Fail a test whose event loop is blocked by a call that one of our rooms made."""
    with blockbuster_ctx(scanned_modules=ROOMS):
        yield
