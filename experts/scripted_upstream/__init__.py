"""A small OpenAI-compatible server that answers by script, with faults on demand; for tests, benchmarks and demos.

The model's name says what happens: `faults` lists the names. `python -m experts.scripted_upstream --port 9999` runs
it; tests use `ScriptedUpstream` in process. Imported by tests and benchmarks only.
"""

from __future__ import annotations

from experts.scripted_upstream.server import ScriptedUpstream

__all__ = ["ScriptedUpstream"]
