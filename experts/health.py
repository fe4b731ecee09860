"""Rolling health of experts: how often calls went well of late, and how long they took."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.ids import ExpertName

WEIGHT = 0.1
"""The share of the newest call in each moving average: about the last twenty calls count."""


@dataclass(frozen=True, slots=True)
class Health:
    """Moving averages over an expert's calls: the rate of success (0..1), and seconds to first piece and to the end."""

    calls: int = 0
    success: float = 1.0
    first_s: float = 0.0
    latency_s: float = 0.0


class HealthBook:
    """The health of every expert called so far, in this process."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._seen: dict[ExpertName, Health] = {}

    def of(self, expert: ExpertName) -> Health:
        """Return what is known; perfect health for an expert never called."""
        return self._seen.get(expert) or Health()

    def went_well(self, expert: ExpertName, first_s: float, latency_s: float) -> None:
        """Take note of a call that succeeded, with its times in seconds."""
        seen = self._seen.get(expert)
        if seen is None:
            self._seen[expert] = Health(1, 1.0, first_s, latency_s)
            return
        self._seen[expert] = Health(
            seen.calls + 1,
            seen.success + WEIGHT * (1.0 - seen.success),
            seen.first_s + WEIGHT * (first_s - seen.first_s) if seen.first_s else first_s,
            seen.latency_s + WEIGHT * (latency_s - seen.latency_s) if seen.latency_s else latency_s,
        )

    def went_wrong(self, expert: ExpertName) -> None:
        """Take note of a call that failed; its times say nothing."""
        seen = self.of(expert)
        self._seen[expert] = replace(seen, calls=seen.calls + 1, success=seen.success * (1.0 - WEIGHT))
