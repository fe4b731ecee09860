"""How far a record is believed: thin evidence on a skill backs off to the skill's parent, and that to the overall rate.

The estimate is that of a beta-binomial hierarchy with the prior's strength held fixed (Gelman et al., Bayesian Data
Analysis, chapter 5). Pure.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from routing.profiles.hierarchy import Places, lineages
from routing.profiles.table import Counts, Numbers, ProfileTable

STRENGTH: Final = 4.0
"""How many imagined questions of the parent's kind stand behind a skill; that of `routing.quality.SHRINKAGE`."""
_ROWS_AT_ONCE: Final = 32


def posterior_means(
    wins: Counts | Numbers, losses: Counts | Numbers, lines: Places, prior: Numbers, strength: float = STRENGTH
) -> Numbers:
    """Return the posterior mean of the rate of winning, [rows, experts], in 0..1.

    `wins` and `losses` are [skills + 1, experts], a skill's with those of all below it, and their last row is empty.
    `lines` [generations, rows] are the rows wanted under their ancestors, the eldest first (`hierarchy.lineages`), and
    `prior` [experts] is each expert's overall rate. Each generation is shrunk towards the one above it as if `strength`
    questions had been won and lost at that one's rate. So a mean lies between its record's own rate and its parent's
    mean, nears its own rate as evidence grows, is the parent's without evidence, and never falls with one more win.
    """
    means = np.broadcast_to(prior, (lines.shape[1], len(prior)))
    for rows in lines:
        won, lost = wins[rows], losses[rows]
        means = (won + strength * means) / (won + lost + strength)
    return np.asarray(means, np.float64)


def overall_means(overall: Numbers) -> Numbers:
    """Return each expert's overall rate of winning under a Beta(1,1) prior; `overall` is that of a `ProfileTable`."""
    won, lost, _ = overall
    return np.asarray((won + 1) / (won + lost + 2))


def shrunk(table: ProfileTable, strength: float = STRENGTH) -> Counts:
    """Return the posterior mean of every skill and expert of a table, [skills + 1, experts + 1].

    The last row, of a skill never measured, is the overall rate. One array of single precision is all that it costs.
    """
    prior = overall_means(table.overall)
    means = np.empty(table.wins.shape, np.float32)
    everything = lineages(table.parents, np.arange(len(means)))
    for start in range(0, len(means), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        means[rows] = posterior_means(table.wins, table.losses, everything[:, rows], prior, strength)
    return means
