"""A bet on a change that starts anew whenever it has lost all it won: an e-CUSUM.

Shin, Ramdas and Rinaldo: E-detectors (arXiv 2203.03532). Its false alarms are bounded however often one looks, in
whatever order what it sees comes; nothing about the size of the change need be known.
"""

from __future__ import annotations

import math
from typing import Final

_STAKES: Final = (0.1, 0.25, 0.5, 0.9)


class Bet:
    """Watches gains whose mean is at most nought while nothing has changed.

    While that holds, a false alarm comes once in `quiet` gains at most, on average. An alarm stands until its evidence
    is used up again: `length` is how many gains that rests on. No stake wins more than `most`, so that what went on for
    long does not take as long to be taken back; at least `quiet` times the number of stakes keeps alarms as they are.
    """

    def __init__(self, quiet: float, most: float) -> None:
        """Bet until `quiet` is won."""
        self.alarmed = False
        self.length = 0
        self._wealth = [1.0] * len(_STAKES)
        self._quiet = quiet
        self._most = max(most, quiet * len(_STAKES))

    def see(self, gain: float) -> bool:
        """Bet on one more gain, in -1..1; return whether there is evidence now, and `False` when it starts anew."""
        self._wealth = [
            min(max(1.0, wealth) * (1 + stake * gain), self._most)
            for wealth, stake in zip(self._wealth, _STAKES, strict=True)
        ]
        if max(self._wealth) <= 1:
            self.alarmed, self.length = False, 0
            return False
        self.length += 1
        self.alarmed = self.alarmed or math.fsum(self._wealth) / len(self._wealth) >= self._quiet
        return True
