"""Profiles: built from graded outcomes, written to and read from JSON, and laid out as matrices for routing.

`default.json` here is the measured profile of the default pool. Imported by routing, evals and wiring.
"""

from __future__ import annotations

from routing.profiles.building import Outcome, build_profiles, outcomes_of, unmeasured, version_of
from routing.profiles.files import dump_profiles, load_profiles, parse_profiles
from routing.profiles.table import ProfileTable, recount, table_of

__all__ = [
    "Outcome",
    "ProfileTable",
    "build_profiles",
    "dump_profiles",
    "load_profiles",
    "outcomes_of",
    "parse_profiles",
    "recount",
    "table_of",
    "unmeasured",
    "version_of",
]
