"""Whether stated confidence is what comes true: reliability curve, expected calibration error, Brier score."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from routing.profiles.table import Numbers

BINS: Final = 10


class Binning(StrEnum):
    """How confidences are put into bins.

    EQUAL_WIDTH cuts 0..1 into equal parts, each with its lower end, the last with both. QUANTILE cuts so that bins hold
    about equally many; equal confidences stay together, so there may be fewer bins than asked for.
    """

    EQUAL_WIDTH = "equal-width"
    QUANTILE = "quantile"


@dataclass(frozen=True, slots=True)
class Reliability:
    """Mean confidence, mean correctness (0..1) and number of answers in each bin that has any, [bins]."""

    confidences: Numbers
    accuracies: Numbers
    counts: npt.NDArray[np.int64]


def reliability(
    confidences: Numbers, correct: Numbers, *, bins: int = BINS, binning: Binning = Binning.EQUAL_WIDTH
) -> Reliability:
    """Return the reliability curve of answers with `confidences` that were `correct`, both [answers] in 0..1."""
    if len(confidences) != len(correct):
        raise ValueError("confidences and correctness need the same answers")
    if not ((confidences >= 0) & (confidences <= 1)).all():
        raise ValueError("a confidence is outside 0..1")
    if not len(confidences):
        return Reliability(np.zeros(0), np.zeros(0), np.zeros(0, np.int64))
    index = np.searchsorted(_edges(confidences, bins, binning), confidences, side="right")
    counts = np.bincount(index, minlength=bins)
    filled = counts > 0
    return Reliability(
        np.bincount(index, confidences, bins)[filled] / counts[filled],
        np.bincount(index, correct, bins)[filled] / counts[filled],
        counts[filled],
    )


def ece(curve: Reliability) -> float:
    """Return the expected calibration error: the mean over answers of |accuracy - confidence| of their bins, in 0..1.

    nan when there are no answers.
    """
    if not len(curve.counts):
        return float("nan")
    return float(np.average(np.abs(curve.accuracies - curve.confidences), weights=curve.counts))


def brier(confidences: Numbers, correct: Numbers) -> float:
    """Return the Brier score: the mean squared difference of confidence and correctness, in 0..1; nan for none."""
    if len(confidences) != len(correct):
        raise ValueError("confidences and correctness need the same answers")
    return float(np.mean((confidences - correct) ** 2)) if len(confidences) else float("nan")


def _edges(confidences: Numbers, bins: int, binning: Binning) -> Numbers:
    inner = np.arange(1, bins) / bins
    return inner if binning is Binning.EQUAL_WIDTH else np.quantile(confidences, inner)
