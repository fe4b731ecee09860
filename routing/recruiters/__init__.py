"""Recruiters: pure functions from a slate to a panel, one a file, chosen by name.

Imported by `routing.deciding` and by wiring, for the names a configuration may use.
"""

from __future__ import annotations

from routing.recruiters.registry import ROUTERS, Recruit, recruiter_for

__all__ = ["ROUTERS", "Recruit", "recruiter_for"]
