"""Profiles: built from graded outcomes, written to and read from JSON, and laid out as matrices for routing.

`default.json` here is the measured profile of the default pool. Imported by routing, evals and wiring.
"""

from __future__ import annotations

from routing.profiles.building import Outcome, build_profiles, is_measured, outcomes_of, unmeasured, version_of
from routing.profiles.files import dump_profiles, load_profiles, parse_profiles
from routing.profiles.table import ProfileTable, recount, table_of
from routing.profiles.verdicts import HORIZON, drifts_of, live_of

__all__ = [
    "HORIZON",
    "Outcome",
    "ProfileTable",
    "build_profiles",
    "drifts_of",
    "dump_profiles",
    "is_measured",
    "live_of",
    "load_profiles",
    "outcomes_of",
    "parse_profiles",
    "recount",
    "table_of",
    "unmeasured",
    "version_of",
]
