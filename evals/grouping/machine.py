"""What a simulated installation costs: how long a load takes, how fast so many requests are decoded together."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Machine:
    """Hosts that are all alike.

    `speeds[b - 1]` is how many seconds of work are done in a second with `b` requests in flight, shared equally among
    them; the first is 1, as work is measured at the rate of one request alone. `resident` models fit into memory.
    """

    load_s: float
    speeds: tuple[float, ...]
    resident: int = 1
    hosts: int = 1

    @property
    def slots(self) -> int:
        """Return how many requests a host decodes together."""
        return len(self.speeds)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: when it came, for which model, from whom, and its work; `worst_s` is what can be known before."""

    arrived: float
    model: str
    caller: str
    work_s: float
    worst_s: float
    batch: bool = False
