"""Quality against cost: convex hulls, AIQ and the zero router of RouterBench (arXiv 2403.12031), distance to the front.

Costs are means per question in any one unit, qualities means in 0..1; nan marks an expert that was not asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from routing.profiles.table import Numbers

_TINY: Final = 1e-300


@dataclass(frozen=True, slots=True)
class Hull:
    """The best quality for a cost that mixing at random between settings reaches; corners [corners], rising, concave.

    Beyond the last corner it is flat: money need not be spent. Before the first one it is 0: for less than its cheapest
    setting costs, a recruiter gives no answer, and to credit it with another's would hide that it cannot be cheap.
    """

    costs: Numbers
    qualities: Numbers

    def quality_at(self, costs: Numbers) -> Numbers:
        """Return the quality at each of `costs`."""
        return np.interp(costs, self.costs, self.qualities, left=0.0)


def hull(costs: Numbers, qualities: Numbers) -> Hull:
    """Return the non-decreasing convex hull of points; both are [points]."""
    if not len(costs):
        raise ValueError("a hull needs at least one point")
    points = sorted(zip(costs.tolist(), qualities.tolist(), strict=True), key=lambda point: (point[0], -point[1]))
    corners = [points[0]]
    for point in points[1:]:
        if point[1] <= corners[-1][1]:
            continue
        while len(corners) > 1 and not _bends_down(corners[-2], corners[-1], point):
            corners.pop()
        corners.append(point)
    return Hull(np.array([cost for cost, _ in corners]), np.array([quality for _, quality in corners]))


def zero_router(outcomes: Numbers, costs: Numbers) -> Hull:
    """Return what drawing among single experts reaches without looking at the question; both [questions, experts].

    Each expert stands for its means over the questions it was asked; one that never was is left out.
    """
    asked = ~np.isnan(outcomes)
    counts = asked.sum(axis=0)
    used = counts > 0
    qualities = np.where(asked, outcomes, 0.0).sum(axis=0)[used] / counts[used]
    spent = np.where(asked, costs, 0.0).sum(axis=0)[used] / counts[used]
    return hull(spent, qualities)


def oracle_hull(outcomes: Numbers, costs: Numbers) -> Hull:
    """Return the most that choosing one expert a question can reach at each mean cost; both [questions, experts].

    It is the exact frontier: the hulls of the single questions added up, the steps with the most quality a cost first.
    Nothing that asks one expert a question is above it. Questions that no expert was asked are left out.
    """
    hulls = [
        hull(spent[asked], reached[asked])
        for reached, spent, asked in zip(outcomes, costs, ~np.isnan(outcomes), strict=True)
        if asked.any()
    ]
    if not hulls:
        raise ValueError("no expert was asked any question")
    dearer = np.concatenate([np.diff(one.costs) for one in hulls])
    better = np.concatenate([np.diff(one.qualities) for one in hulls])
    order = np.argsort(-better / dearer, kind="stable")
    spent = np.cumsum([sum(float(one.costs[0]) for one in hulls), *dearer[order]])
    reached = np.cumsum([sum(float(one.qualities[0]) for one in hulls), *better[order]])
    return hull(spent / len(hulls), reached / len(hulls))


def aiq(curve: Hull, c_min: float, c_max: float) -> float:
    """Return the average improvement in quality: the integral of the hull over [c_min, c_max] by its length.

    The range is given, and has to be the same for all that are compared: RouterBench's own code divides by the highest
    cost and lets each hull start where it may. The natural `c_min` is what the cheapest single expert costs.
    """
    if not c_min < c_max:
        raise ValueError("c_max has to be above c_min")
    begin = max(c_min, float(curve.costs[0]))
    if begin >= c_max:
        return 0.0
    inner = curve.costs[(curve.costs > begin) & (curve.costs < c_max)]
    knots = np.concatenate([[begin], inner, [c_max]])
    return float(np.trapezoid(curve.quality_at(knots), knots)) / (c_max - c_min)


def pareto_distances(costs: Numbers, qualities: Numbers) -> Numbers:
    """Return ParetoDist of each point, all [points]: how far below the hull of all the other points it is.

    Both axes are scaled to 0..1 by the spans of all points; the distance is Euclidean, to the hull with its flat end.
    0 for what is not below the hull.
    """
    xs, ys = _unit(costs), _unit(qualities)
    # A point below the others' hull is no corner of the common one, so one hull serves all.
    front = hull(xs, ys)
    return np.array([_distance(float(x), float(y), front) for x, y in zip(xs, ys, strict=True)])


def _bends_down(first: tuple[float, float], middle: tuple[float, float], last: tuple[float, float]) -> bool:
    before = (middle[1] - first[1]) * (last[0] - middle[0])
    after = (last[1] - middle[1]) * (middle[0] - first[0])
    return before > after


def _unit(values: Numbers) -> Numbers:
    span = float(values.max() - values.min())
    return (values - values.min()) / span if span > 0 else np.zeros(len(values))


def _distance(x: float, y: float, front: Hull) -> float:
    if float(front.quality_at(np.array([x]))[0]) <= y:
        return 0.0
    end = (max(x, float(front.costs[-1])), float(front.qualities[-1]))
    corners = [*zip(front.costs.tolist(), front.qualities.tolist(), strict=True), end]
    return min(_to_segment((x, y), start, stop) for start, stop in pairwise(corners))


def _to_segment(point: tuple[float, float], start: tuple[float, float], stop: tuple[float, float]) -> float:
    along = np.subtract(stop, start)
    offset = np.subtract(point, start)
    part = min(1.0, max(0.0, float(along @ offset) / max(float(along @ along), _TINY)))
    return float(np.linalg.norm(offset - part * along))
