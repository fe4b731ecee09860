"""Recruiters: each makes a panel of a slate, one a file, chosen by name; what a recruiter is says `contract`.

Imported by `routing.deciding`, by wiring for the names a configuration may use, and by evals to compare them.
"""

from __future__ import annotations

from routing.recruiters.contract import Method, Recruiter
from routing.recruiters.registry import RECRUITERS, ROUTERS, recruiter_for

__all__ = ["RECRUITERS", "ROUTERS", "Method", "Recruiter", "recruiter_for"]
