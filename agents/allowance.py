"""What shadows of a pool may spend: a share of what its runs cost, so that watching a router is never dear."""

from __future__ import annotations

from core.money import FREE, Micros


class Allowance:
    """Keeps `spent + held <= share * earned`, in micro-dollars, since it was made; what is free needs none."""

    def __init__(self, share: float) -> None:
        """Allow `share`, 0..1, of what is earned."""
        self._share = share
        self.earned = FREE
        self.spent = FREE
        self.held = FREE

    def earn(self, cost: Micros) -> None:
        """Take note of what a run cost."""
        self.earned = Micros(self.earned + cost)

    def hold(self, ceiling: Micros) -> bool:
        """Set `ceiling` aside and say so, or leave everything as it is when it does not fit."""
        if ceiling and self.spent + self.held + ceiling > self._share * self.earned:
            return False
        self.held = Micros(self.held + ceiling)
        return True

    def settle(self, ceiling: Micros, actual: Micros) -> None:
        """Turn what was set aside into what was used, at most as much."""
        self.held = Micros(self.held - ceiling)
        self.spent = Micros(self.spent + min(actual, ceiling))
