"""Tools that experts are made of."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import asyncio, sys
from wiring.tools import warm_tools
asyncio.run(warm_tools())
sys.exit(0 if "sympy" in sys.modules else 1)
"""


def test_what_a_root_needs_is_imported_before_the_first_question() -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
