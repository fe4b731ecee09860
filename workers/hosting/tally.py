"""What a host counts of its own work, from its start on."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import asdict, dataclass, field

from core.hosting import WAIT_BOUNDS_S, HostCounts
from workers.hosting.engine import Finished


@dataclass(slots=True)
class Tally:
    """Counters that only grow; see `core.hosting.HostCounts` for what each means."""

    loads: int = 0
    load_failures: int = 0
    load_seconds: float = 0.0
    evictions: int = 0
    ahead: int = 0
    ahead_used: int = 0
    ahead_wasted: int = 0
    turns: int = 0
    turn_seconds: float = 0.0
    requests: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    wait_seconds: float = 0.0
    waits: list[int] = field(default_factory=lambda: [0] * (len(WAIT_BOUNDS_S) + 1))

    def claimed(self, waited_s: float) -> None:
        """Count a request that had waited so long when it was claimed."""
        self.wait_seconds += waited_s
        self.waits[bisect_left(WAIT_BOUNDS_S, waited_s)] += 1

    def finished(self, ending: Finished) -> None:
        """Count a reply."""
        self.requests += 1
        self.input_tokens += ending.input_tokens
        self.output_tokens += ending.output_tokens

    def counts(self) -> HostCounts:
        """Return the counters as they are now."""
        return HostCounts(**{**asdict(self), "waits": tuple(self.waits)})
