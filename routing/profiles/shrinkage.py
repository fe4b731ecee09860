"""How far a record is believed: thin evidence on a skill backs off to the skill's parent, and that to the overall rate.

The estimate is that of a beta-binomial hierarchy with the prior's strength held fixed (Gelman et al., Bayesian Data
Analysis, chapter 5). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from routing.profiles.table import Numbers

STRENGTH: Final = 4.0
"""How many imagined questions of the parent's kind stand behind a skill, and of the overall kind behind the eldest."""


def shrunk(line: Iterable[tuple[Numbers, Numbers]], prior: Numbers, strength: float = STRENGTH) -> Numbers:
    """Return the posterior mean of the rate of winning of the last of a line of records, in 0..1.

    `line` is wins and losses by generation, the eldest first, each with those of all below it; `prior` is the overall
    rate, and everything broadcasts. Each generation is shrunk towards the one above it as if `strength` questions had
    been won and lost at that one's rate. So a mean lies between its record's own rate and its parent's mean, nears its
    own rate as evidence grows, is the parent's without evidence, and never falls with one more win.
    """
    mean = prior
    for won, lost in line:
        mean = (won + strength * mean) / (won + lost + strength)
    return np.asarray(mean)
