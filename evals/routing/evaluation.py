"""Evaluating recruiters on a recorded pool: every split examined, and what it comes to with how sure it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Final

import numpy as np
from threadpoolctl import threadpool_limits

from core.errors import Unprocessable
from core.messages import Json
from evals.routing import gains
from evals.routing.calibration import Binning, brier, ece, reliability
from evals.routing.classroom import halves
from evals.routing.exam import MAJORITY, Examined, Sat, examine
from evals.routing.material import Material
from evals.routing.preference import apgr, cpt
from evals.routing.quality_cost import aiq, hull
from evals.routing.residency import Policy, hit_rate, segment_hit_rate, segment_routing
from evals.routing.uncertainty import Interval, difference_interval, mean_interval
from routing.readings import Numbers, Places

LEAST: Final = 40
"""Fewer questions on either side say nothing about anybody."""
SEGMENT: Final = 16
"""How many successive questions are looked at together for what stays resident."""
_WORKERS: Final = 2
_PER: Final = 1_000

Say = Callable[[str], None]
Row = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What was found for one sub-pool: a row for each recruiter and setting, and the splits behind them."""

    material: Material
    rows: tuple[Row, ...]
    examined: tuple[Examined, ...]


def evaluate(material: Material, splits: Sequence[tuple[Places, Places]], names: Sequence[str], say: Say) -> Evaluated:
    """Return the rows of one sub-pool; splits are examined side by side in processes of their own."""
    for train, test in splits:
        if min(len(train), len(test)) < LEAST:
            raise Unprocessable(
                f"{material.name}: {len(train)} questions to learn from and {len(test)} to test on; "
                f"at least {LEAST} of each are needed"
            )
    examined = tuple(_examined(material, splits, names, say))
    return Evaluated(material, tuple(_rows(material, examined)), examined)


def splits_of(material: Material, count: int, train: str | None, test: str | None) -> list[tuple[Places, Places]]:
    """Return random halves; or the questions marked `train` and `test` in the recording (no mark: all the others)."""
    if train is None and test is None:
        return halves(len(material.lessons), count)
    marks = np.array(material.splits)
    for wanted in (train, test):
        if wanted is not None and wanted not in marks:
            known = ", ".join(sorted({mark for mark in material.splits if mark})) or "none"
            raise Unprocessable(f'{material.name}: no question is marked "{wanted}"; marks there are: {known}')
    learned = marks == train if train is not None else marks != test
    tested = marks == test if test is not None else ~learned
    return [(np.flatnonzero(learned & ~tested), np.flatnonzero(tested))]


def _examined(
    material: Material, splits: Sequence[tuple[Places, Places]], names: Sequence[str], say: Say
) -> list[Examined]:
    found: dict[int, Examined] = {}
    count = min(_WORKERS, len(splits))
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_calmed) as workers:
        asked = {
            workers.submit(examine, material, train, test, list(names), number): number
            for number, (train, test) in enumerate(splits)
        }
        for done in as_completed(asked):
            found[asked[done]] = done.result()
            say(f"{material.name}: {len(found)} of {len(splits)} splits")
    return [found[number] for number in sorted(found)]


def _calmed() -> None:
    """Keep to one thread of arithmetic: the processes are as many as the cores that help."""
    threadpool_limits(1)


def _rows(material: Material, examined: Sequence[Examined]) -> Iterator[Row]:
    count = len(material.lessons)
    best = _constant(material, examined)
    compared = any(sat.recruiter == MAJORITY for sat in examined[0].sat)
    majority = _spread(count, examined, lambda s: s.right, MAJORITY, "unweighted") if compared else None
    curves = _costs_and_qualities(examined)
    spans = [np.concatenate([c for c, _ in curves.values()]).min(), np.nanmean(best[1])]
    for recruiter, point in _sittings(examined):
        right, seats, price, tokens = (
            _spread(count, examined, take, recruiter, point)
            for take in (lambda s: s.right, lambda s: s.seats, lambda s: s.price, lambda s: s.tokens)
        )
        rng = np.random.default_rng(0)
        sure = mean_interval(right, rng)
        yield {
            "recruiter": recruiter,
            "pool": material.name,
            "point": point,
            "accuracy": _rounded(sure.mean),
            "accuracy_ci": [_rounded(sure.low), _rounded(sure.high)],
            "calls": _rounded(_mean(seats)),
            "usd_per_1k": _rounded(_mean(price) / _PER) if material.unit == "usd" else None,
            "tokens": round(_mean(tokens), 1),
            "price_of_best_single": _rounded(_mean(price) / max(float(np.nanmean(best[1])), 1e-12)),
            "over_majority": None if majority is None else _difference(difference_interval(right, majority, rng)),
            "over_best_single": _difference(difference_interval(right, best[0], rng)),
            "experts": round(float(np.mean([_sat(one, recruiter, point).experts for one in examined])), 1),
            "calls_by_difficulty": _by_difficulty(material, seats),
            **_gains(material, examined, recruiter, point),
            **_calibration(examined, recruiter, point),
            **_residency(material, _sat(examined[0], recruiter, point)),
            **(_preference(examined, recruiter) if point == "default" else {}),
            **({"aiq": _aiq(curves[recruiter], spans)} if point == "default" and recruiter in curves else {}),
        }


def _constant(material: Material, examined: Sequence[Examined]) -> tuple[Numbers, Numbers]:
    """Return what the best single expert of each training half does on the test half, by question: right, and price."""
    found = []
    for array in (material.lessons.right, material.lessons.price):
        columns = np.full((len(examined), len(array)), np.nan)
        for number, one in enumerate(examined):
            columns[number, one.rows] = np.nan_to_num(array[one.rows, one.best])
        found.append(_over_splits(columns))
    return found[0], found[1]


def _spread(
    count: int, examined: Sequence[Examined], take: Callable[[Sat], Numbers], recruiter: str, point: str
) -> Numbers:
    """Return each question's mean over the splits that tested it; nan for one that none did.

    Splits share questions, and a question asked twice is no second question: this keeps the intervals honest.
    """
    columns = np.full((len(examined), count), np.nan)
    for number, one in enumerate(examined):
        columns[number, one.rows] = take(_sat(one, recruiter, point))
    return _over_splits(columns)


def _over_splits(columns: Numbers) -> Numbers:
    seen = ~np.isnan(columns)
    return np.where(
        seen.any(axis=0), np.where(seen, columns, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1), np.nan
    )


def _sat(one: Examined, recruiter: str, point: str) -> Sat:
    return next(sat for sat in one.sat if (sat.recruiter, sat.point) == (recruiter, point))


def _sittings(examined: Sequence[Examined]) -> list[tuple[str, str]]:
    return [(sat.recruiter, sat.point) for sat in examined[0].sat]


def _gains(material: Material, examined: Sequence[Examined], recruiter: str, point: str) -> Row:
    found: dict[str, list[float]] = {"imp_rand": [], "imp_max": [], "oracle_gap": [], "perf_gain": [], "cost_save": []}
    for one in examined:
        sat = _sat(one, recruiter, point)
        outcomes, prices = material.lessons.right[one.rows], material.lessons.price[one.rows]
        found["imp_rand"].append(gains.imp_rand(sat.right, outcomes))
        found["imp_max"].append(gains.imp_max(sat.right, outcomes))
        found["oracle_gap"].append(gains.oracle_gap(sat.right, outcomes))
        found["perf_gain"].append(gains.perf_gain(sat.right, outcomes, one.best))
        found["cost_save"].append(gains.cost_save(sat.right, sat.price, outcomes, prices, one.best))
    return {name: _rounded(float(np.mean(values)), 2) for name, values in found.items()}


def beliefs(examined: Sequence[Examined], recruiter: str, point: str) -> tuple[Numbers, Numbers] | None:
    """Return how likely the answers of all splits were taken to be right, and how right they were; or nothing."""
    sat = [_sat(one, recruiter, point) for one in examined]
    believed = [one.belief for one in sat if one.belief is not None]
    return (np.concatenate(believed), np.concatenate([one.right for one in sat])) if believed else None


def foreseen(material: Material, examined: Sequence[Examined]) -> tuple[Numbers, Numbers]:
    """Return the quality foreseen of every expert on every tested question it was asked, and how right it was."""
    qualities = np.concatenate([one.foreseen for one in examined])
    rights = np.concatenate([material.lessons.right[one.rows] for one in examined])
    asked = ~np.isnan(rights)
    return qualities[asked], rights[asked]


def _calibration(examined: Sequence[Examined], recruiter: str, point: str) -> Row:
    """Return how far off the stated chances of answers were, over equally filled bins, and their Brier score."""
    known = beliefs(examined, recruiter, point)
    if known is None:
        return {}
    curve = reliability(*known, binning=Binning.QUANTILE)
    return {"ece": _rounded(ece(curve)), "brier": _rounded(brier(*known))}


def _by_difficulty(material: Material, seats: Numbers) -> list[float | None]:
    """Return the mean calls of the easy, the middling and the hard third, by how many experts got a question right."""
    tested = np.flatnonzero(~np.isnan(seats))
    easy = gains.random_expert(material.lessons.right[tested])
    order = tested[np.argsort(-easy, kind="stable")]
    return [_rounded(float(seats[third].mean()), 2) for third in np.array_split(order, 3)]


def _residency(material: Material, sat: Sat) -> Row:
    """Return how consistent successive panels are, and how often a panel is resident with twice the slots it needs."""
    if sat.heard is None or len(sat.heard) < SEGMENT:
        return {}
    names = np.array(material.lessons.experts)
    panels = [frozenset(names[row].tolist()) for row in sat.heard]
    slots = max(1, round(2 * float(np.mean([len(panel) for panel in panels]))))
    return {
        "srp": _rounded(segment_routing(panels, SEGMENT).performance, 3),
        "sch": _rounded(segment_hit_rate(panels, SEGMENT, 2.0), 3),
        "hit_rate": {policy.value: _rounded(hit_rate(panels, slots, policy), 3) for policy in Policy},
        "slots": slots,
    }


def _preference(examined: Sequence[Examined], recruiter: str) -> Row:
    curves = [one.curves[recruiter] for one in examined if recruiter in one.curves]
    if not curves:
        return {}
    return {
        "apgr": _rounded(float(np.mean([apgr(curve) for curve in curves]))),
        **{
            f"cpt{share}": _rounded(float(np.mean([cpt(curve, share / 100) for curve in curves])))
            for share in (20, 50, 80)
        },
    }


def _costs_and_qualities(examined: Sequence[Examined]) -> dict[str, tuple[Numbers, Numbers]]:
    """Return every recruiter's points, mean price and accuracy over the splits."""
    found: dict[str, list[tuple[float, float]]] = {}
    for recruiter, point in _sittings(examined):
        sat = [_sat(one, recruiter, point) for one in examined]
        prices, rights = (
            float(np.mean([take.mean() for take in takes]))
            for takes in ([s.price for s in sat], [s.right for s in sat])
        )
        found.setdefault(recruiter, []).append((prices, rights))
    return {
        name: (np.array([c for c, _ in points]), np.array([q for _, q in points])) for name, points in found.items()
    }


def _aiq(points: tuple[Numbers, Numbers], span: Sequence[float]) -> float | None:
    return _rounded(aiq(hull(*points), float(span[0]), float(span[1]))) if span[1] > span[0] else None


def _difference(interval: Interval) -> list[float | None]:
    """Return a paired difference in points of a hundred, with the ends of its interval."""
    return [_rounded(100 * value, 2) for value in (interval.mean, interval.low, interval.high)]


def _mean(values: Numbers) -> float:
    return float(np.nanmean(values))


def _rounded(value: float, digits: int = 4) -> float | None:
    return None if not np.isfinite(value) else round(value, digits)
