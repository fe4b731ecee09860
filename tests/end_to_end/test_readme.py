"""The README's example runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.architecture.tree import ROOT
from tests.fixtures.service import Served


def test_the_python_example_prints_what_its_comments_say(service: Served) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    here = example.replace("http://127.0.0.1:8080", service.told["url"]).replace("cvl_...", service.told["new_key"])

    done = subprocess.run([sys.executable, "-c", here], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "409.5"
    assert "'expert': 'calculator'" in second
