"""Even load by a bias that only selection sees: experts of like quality take turns, and no vote is touched.

Inspired by load balancing without an auxiliary loss (DeepSeek's, and the theory of its one primal-dual step): each
expert's bias goes one step up when it is below the mean load, and one step down when it is above. Clock-free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from core.ids import ExpertName
from routing.profiles.table import Numbers

STEP: Final = 0.002
BOUND: Final = 0.02
"""In expected quality: nobody is passed over for balance who is better by more than twice this; design choice."""
DECAY: Final = 0.98
"""What is left of a bias, and of a load, after each decision: one of fifty decisions ago counts a third."""
EVEN: Final = 0.05
"""In seats: a load this near to the mean is even, and its bias fades; a sign alone would push on for ever."""


class Balance:
    """The biases of one pool's experts. Each lies within `bound` of nought, in units of expected quality."""

    def __init__(self, *, step: float = STEP, bound: float = BOUND, decay: float = DECAY) -> None:
        self._step = step
        self._bound = bound
        self._decay = decay
        self._loads: dict[ExpertName, float] = {}
        self._biases: dict[ExpertName, float] = {}

    def bias(self, candidates: Sequence[ExpertName]) -> Numbers:
        """Return each candidate's bias, to be added to what it is selected by and to nothing else, [candidates]."""
        return np.array([self._biases.get(name, 0.0) for name in candidates])

    def chosen(self, candidates: Sequence[ExpertName], panel: Sequence[ExpertName]) -> None:
        """Take note of a decision: who could have been chosen, and who was, once a seat.

        Only candidates are compared and moved: who could not be chosen had no load to take.
        """
        loads = self._decay * np.array([self._loads.get(name, 0.0) for name in candidates])
        seats = Counter(panel)
        loads += [seats[name] for name in candidates]
        errors = loads.mean() - loads if len(loads) else loads
        steps = self._step * np.where(np.abs(errors) > EVEN, np.sign(errors), 0.0)
        biases = np.clip(self._decay * self.bias(candidates) + steps, -self._bound, self._bound)
        self._loads.update(zip(candidates, loads.tolist(), strict=True))
        self._biases.update(zip(candidates, biases.tolist(), strict=True))
