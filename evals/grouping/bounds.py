"""What `core.scheduling.Turns` promises on one host, in seconds, for a fixed quantum."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """The longest load, the longest request, the quantum, the slots of an engine, and how many models are in play.

    A quantum that follows measured switch times was `least_quantum_s` at its shortest.
    """

    load_s: float
    longest_s: float
    quantum_s: float
    slots: int
    models: int
    least_quantum_s: float | None = None

    @property
    def turn_s(self) -> float:
        """Return how long a turn claims at most."""
        return max(self.quantum_s, self.longest_s)

    @property
    def drain_s(self) -> float:
        """Return how long what is in flight takes at most."""
        return self.slots * self.longest_s

    def turn_start_s(self) -> float:
        """Return how long after its turn clock a turn begins at the latest."""
        others = max(2, self.models) - 2
        return others * (self.load_s + self.turn_s) + 2 * self.load_s + max(self.turn_s, self.drain_s)

    def request_s(self, callers: int, ahead_s: float) -> float:
        """Return how long a request waits at most, with `ahead_s` of its own caller's work ahead, itself included.

        Infinite when the quantum does not cover the longest request.
        """
        quantum_s = self.quantum_s if self.least_quantum_s is None else self.least_quantum_s
        if quantum_s <= self.longest_s:
            return math.inf
        rounds = math.ceil(callers * (ahead_s + self.longest_s) / (quantum_s - self.longest_s))
        return rounds * max(2, self.models) * (self.load_s + self.turn_s) + max(self.turn_s, self.drain_s)
