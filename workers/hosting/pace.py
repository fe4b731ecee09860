"""How long a host's turns are: the quantum from measured switch times and rates, in tokens of work."""

from __future__ import annotations

from core.ids import ModelName
from core.scheduling import LowestRate, SwitchTime

_FIRST_SWITCH_S = 0.5
# Less says more about the overhead of a request than about the engine.
_LEAST_WORK = 16
_LEAST_S = 0.2


class Pace:
    """What a host measured of its switches and of each model's rate."""

    def __init__(self, switches: float) -> None:
        """Let a turn last so many switch times while others wait."""
        self._switches = switches
        self._switch = SwitchTime(_FIRST_SWITCH_S)
        self._rates: dict[ModelName, LowestRate] = {}

    @property
    def quantum_s(self) -> float:
        """Return how many seconds of work a turn may claim while others wait."""
        return self._switch.quantum_s(self._switches)

    def quantum_tokens(self, model: ModelName, work: int, seconds: float) -> int | None:
        """Return the same in tokens of work; before the rate is known, by what this turn did so far, or nothing."""
        rate = self.rate_so_far(model, work, seconds)
        return int(self.quantum_s * rate) if rate else None

    def rate_so_far(self, model: ModelName, work: int, seconds: float) -> float:
        """Return the rate of a model whose turn did `work` in so many seconds; what is known goes before, 0 is neither.

        A first turn may last for as long as nobody else waits: other hosts need its rate before it is over.
        """
        rate = self.tokens_per_s(model)
        if rate == 0 and work >= _LEAST_WORK and seconds >= _LEAST_S:
            rate = work / seconds
        return rate

    def tokens_per_s(self, model: ModelName) -> float:
        """Return the least work the model did in a second, 0 before it was measured."""
        known = self._rates.get(model)
        return 0.0 if known is None else known.tokens_per_s

    @property
    def rates(self) -> tuple[tuple[ModelName, float], ...]:
        """Return every rate that is known, by model."""
        return tuple((model, round(rate.tokens_per_s, 1)) for model, rate in sorted(self._rates.items()))

    def loaded(self, seconds: float) -> None:
        """Take in how long a load took."""
        self._switch.loaded(seconds)

    def switched(self, seconds: float) -> None:
        """Take in how long it was from the last claim of one turn to the first of the next."""
        self._switch.measured(seconds)

    def served(self, model: ModelName, work: int, seconds: float) -> None:
        """Take in what a turn did."""
        if work >= _LEAST_WORK and seconds >= _LEAST_S:
            self._rates.setdefault(model, LowestRate()).measured(work, seconds)
