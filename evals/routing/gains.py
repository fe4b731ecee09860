"""What a recruiter gains over its references, in percent of the reference, after LLMRouterBench (arXiv 2601.07206).

Rows are questions, columns experts; nan marks an expert that was not asked. A recruiter and a reference are compared on
the questions that both of them have, so that a gap in a recording favours neither.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from routing.profiles.table import Numbers

COVERAGE: Final = 0.5
"""An expert that was asked fewer of the questions than this share is never the best single one; design choice."""
_EQUAL: Final = 1e-9


def imp_rand(accuracy: Numbers, outcomes: Numbers) -> float:
    """Return ImpRand = 100 (A / R - 1), in percent.

    A is the mean of `accuracy` [questions], 0..1 each; R is what an expert drawn uniformly from those that were asked
    reaches on the same questions, from `outcomes` [questions, experts]. nan when R is 0.
    """
    return 100.0 * (_ratio(accuracy, random_expert(outcomes)) - 1.0)


def imp_max(accuracy: Numbers, outcomes: Numbers) -> float:
    """Return ImpMax = 100 (A / B - 1), in percent, with B the mean of the best single expert in hindsight.

    LLMRouterBench takes B per data set and averages; here the questions given are one data set.
    """
    return 100.0 * (_ratio(accuracy, outcomes[:, best_single(outcomes)]) - 1.0)


def oracle_gap(accuracy: Numbers, outcomes: Numbers) -> float:
    """Return OracleGap = 100 (1 - A / O), in percent, with O the mean of the best outcome of each question.

    0 is the oracle; a panel whose aggregate beats every member may get below. nan when O is 0.
    """
    return 100.0 * (1.0 - _ratio(accuracy, oracle(outcomes)))


def perf_gain(accuracy: Numbers, outcomes: Numbers, best: int) -> float:
    """Return PerfGain = 100 (max A / B - 1), in percent.

    `accuracy` is [questions], or [settings, questions] for a recruiter swept over a knob: the best setting counts.
    `best` is the column of the single expert that was best on the training data, B its mean on these questions.
    """
    return 100.0 * (float(np.max([_ratio(row, outcomes[:, best]) for row in np.atleast_2d(accuracy)])) - 1.0)


def cost_save(accuracy: Numbers, costs: Numbers, outcomes: Numbers, expert_costs: Numbers, best: int) -> float:
    """Return CostSave = 100 (1 - min C / C_B), in percent, over the settings whose accuracy is at least that of `best`.

    `accuracy` and `costs` are [questions] or [settings, questions]; `outcomes` and `expert_costs` are [questions,
    experts]; costs are in any one unit. C and C_B are means of the same questions. nan when no setting is as good as
    the single expert, as nothing is saved by answering worse, and when that expert costs nothing.
    """
    saved = [
        _saved(row, spent, outcomes[:, best], expert_costs[:, best])
        for row, spent in zip(np.atleast_2d(accuracy), np.atleast_2d(costs), strict=True)
    ]
    return max((share for share in saved if not np.isnan(share)), default=float("nan"))


def random_expert(outcomes: Numbers) -> Numbers:
    """Return what a uniformly drawn expert is expected to reach on each question; nan where none was asked."""
    return _means(outcomes)


def oracle(outcomes: Numbers) -> Numbers:
    """Return the best outcome of each question; nan where no expert was asked."""
    asked = ~np.isnan(outcomes)
    return np.where(asked.any(axis=1), np.where(asked, outcomes, -np.inf).max(axis=1), np.nan)


def best_single(outcomes: Numbers) -> int:
    """Return the column with the highest mean over the questions it was asked, the first of equals.

    Raises ValueError when no expert was asked `COVERAGE` of the questions.
    """
    asked: npt.NDArray[np.int64] = (~np.isnan(outcomes)).sum(axis=0)
    eligible = (asked > 0) & (asked >= COVERAGE * len(outcomes))
    if not eligible.any():
        raise ValueError(f"no expert was asked {COVERAGE:.0%} of the questions")
    return int(np.argmax(np.where(eligible, _means(outcomes.T), -np.inf)))


def _means(rows: Numbers) -> Numbers:
    known = ~np.isnan(rows)
    counts = known.sum(axis=1)
    sums = np.where(known, rows, 0.0).sum(axis=1)
    means: Numbers = np.divide(sums, counts, out=np.full(len(rows), np.nan), where=counts > 0)
    return means


def _ratio(accuracy: Numbers, reference: Numbers) -> float:
    known = ~(np.isnan(accuracy) | np.isnan(reference))
    mean = float(reference[known].mean()) if known.any() else 0.0
    return float(accuracy[known].mean()) / mean if mean > 0 else float("nan")


def _saved(accuracy: Numbers, costs: Numbers, reference: Numbers, reference_costs: Numbers) -> float:
    known = ~np.isnan(np.stack([accuracy, costs, reference, reference_costs])).any(axis=0)
    if not known.any() or accuracy[known].mean() < reference[known].mean() - _EQUAL:
        return float("nan")
    paid = float(reference_costs[known].mean())
    return 100.0 * (1.0 - float(costs[known].mean()) / paid) if paid > 0 else float("nan")
