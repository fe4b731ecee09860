"""The one shape of every benchmark's and evaluation's outcome: for people a table, for programs one JSON object."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.messages import Json

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `aim` is a readable bound such as `>= 0.5`; `reference` is what a ratio compares with."""

    name: str
    value: float
    unit: str
    aim: str | None = None
    reference: str | None = None

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; nothing when there is none."""
        if self.aim is None:
            return None
        relation, bound = self.aim.split(maxsplit=1)
        limit = float(bound)
        return {"<=": self.value <= limit, "<": self.value < limit, ">=": self.value >= limit}[relation]


@dataclass(frozen=True, slots=True)
class Report:
    """A benchmark's outcome: figures with their aims, the rows they were computed from, and notes for people."""

    name: str
    figures: tuple[Figure, ...]
    rows: tuple[Mapping[str, Json], ...] = ()
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """Return the object that `--json` prints: everything but the notes."""
        return {
            "name": self.name,
            "commit": _commit(),
            "machine": machine(),
            "figures": [
                {
                    "name": figure.name,
                    "value": figure.value,
                    "unit": figure.unit,
                    "aim": figure.aim,
                    "met": figure.met,
                    "reference": figure.reference,
                }
                for figure in self.figures
            ],
            "rows": [dict(row) for row in self.rows],
        }


def machine() -> str:
    """Return the machine in a few words: cores, architecture, Python."""
    cores = len(_affinity())
    return f"{cores} x {platform.machine()}, Python {platform.python_version()}, {platform.system()}"


def median(values: Sequence[float]) -> float:
    """Return the middle value; the lower of two middles, so that it is one that was measured."""
    return sorted(values)[(len(values) - 1) // 2]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0..1) of the values do not pass; nan when there are none."""
    if not values:
        return float("nan")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _affinity() -> Sequence[int]:
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)


def _commit() -> str | None:
    found = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None
