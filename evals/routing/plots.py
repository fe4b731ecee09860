"""Plots of an evaluation: accuracy against price, with the oracle and the random mix of single experts on every one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from core.ids import ExpertName
from evals.routing.calibration import Binning, ece, reliability
from evals.routing.evaluation import Evaluated, Row, beliefs, foreseen
from evals.routing.exam import OURS
from evals.routing.points import DEFAULT
from evals.routing.quality_cost import oracle_hull, zero_router
from evals.routing.standings import Ranked

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKS: Final = "osD^v<>PXp*h8d"
_SIZE: Final = (8.4, 5.2)
_SQUARE: Final = (5.2, 5.2)


def draw(evaluated: Evaluated, folder: Path) -> list[Path]:
    """Write the plots of one sub-pool as PNG and SVG, and return where they are."""
    # Imported here: half a second that nobody pays who only asks for the rows.
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    name = evaluated.material.name
    figure = Figure(figsize=_SIZE, layout="constrained")
    _prices(evaluated, figure.add_subplot())
    written += _saved(figure, folder / f"{name}-price")
    if any(row["recruiter"] == OURS for row in evaluated.rows):
        figure = Figure(figsize=_SQUARE, layout="constrained")
        _reliability(evaluated, figure.add_subplot())
        written += _saved(figure, folder / f"{name}-calibration")
    if evaluated.examined[0].curves:
        figure = Figure(figsize=_SIZE, layout="constrained")
        _gap(evaluated, figure.add_subplot())
        written += _saved(figure, folder / f"{name}-gap")
    return written


def _prices(evaluated: Evaluated, axes: Axes) -> None:
    material, rows = evaluated.material, evaluated.rows
    unit, label = (1_000.0, "dollars for 1,000 questions") if material.unit == "usd" else (1.0, "tokens a question")
    right, price = material.lessons.right, material.lessons.price
    axes.plot(
        np.nanmean(price, axis=0) / unit, np.nanmean(right, axis=0), "o", color="#999", ms=4, label="single experts"
    )
    least = float(np.nanmean(price, axis=0)[np.nanmean(price, axis=0) > 0].min()) / unit
    dearest = max(_x(row) for row in rows)
    steps = np.geomspace(max(least, 1e-9), max(dearest, least * 1.01), 200)
    axes.plot(
        steps, zero_router(right, price).quality_at(steps * unit), "--", color="#999", lw=1, label="random mix of them"
    )
    axes.plot(
        steps, oracle_hull(right, price).quality_at(steps * unit), ":", color="#222", lw=1.2, label="oracle, one expert"
    )
    swept = sorted((_x(row), _y(row)) for row in rows if row["recruiter"] == OURS and "thrift" in str(row["point"]))
    if swept:
        axes.plot(*zip(*swept, strict=True), "-", color="#c0392b", lw=1.8, label=f"{OURS}, by thrift")
    others = [row for row in rows if row["point"] in {"default", "unweighted"}]
    for number, row in enumerate(others):
        ours = row["recruiter"] == OURS
        axes.plot(
            _x(row),
            _y(row),
            _MARKS[number % len(_MARKS)],
            color="#c0392b" if ours else f"C{number % 10}",
            ms=9 if ours else 6,
            label=str(row["recruiter"]),
        )
    axes.set(xscale="log", xlabel=label, ylabel="share of right answers", title=material.name)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=7, ncols=2, loc="lower right")


def _reliability(evaluated: Evaluated, axes: Axes) -> None:
    curves = {
        "an expert's answer, foreseen": foreseen(evaluated.material, evaluated.examined),
        f"the answer of {OURS}, by the vote": beliefs(evaluated.examined, OURS, DEFAULT.name),
    }
    for label, known in curves.items():
        if known is not None:
            curve = reliability(*known, binning=Binning.QUANTILE)
            axes.plot(curve.confidences, curve.accuracies, "o-", ms=4, label=f"{label} (off by {ece(curve):.3f})")
    axes.plot([0, 1], [0, 1], "--", color="#999", label="as it should be")
    axes.set(xlabel="stated chance", ylabel="share of right answers", title=evaluated.material.name)
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8)


def _gap(evaluated: Evaluated, axes: Axes) -> None:
    shares = np.linspace(0, 1, 101)
    for name in evaluated.examined[0].curves:
        curves = [one.curves[name] for one in evaluated.examined]
        mean = np.mean([np.interp(shares, curve.shares, curve.recovered) for curve in curves], axis=0)
        axes.plot(shares, mean, label=name)
    axes.plot([0, 1], [0, 1], "--", color="#999", label="at random")
    axes.set(xlabel="share of strong calls", ylabel="gap recovered (PGR)", title=evaluated.material.name)
    axes.grid(alpha=0.25)
    axes.legend()


def _saved(figure: Figure, stem: Path) -> Sequence[Path]:
    paths = [stem.with_suffix(".png"), stem.with_suffix(".svg")]
    for path in paths:
        figure.savefig(path, dpi=130)
    return paths


def _x(row: Row) -> float:
    """Return the price of a row in the unit of the axis; nothing is free on a logarithmic one."""
    return max(float(str(row["tokens"] if row["usd_per_1k"] is None else row["usd_per_1k"])), 1e-6)


def _y(row: Row) -> float:
    return float(str(row["accuracy"]))


def draw_ranking(ranked: Ranked, folder: Path) -> Sequence[Path]:
    """Write the heat map of experts by skills, the best expert first, as PNG and SVG."""
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    order = [ranked.material.lessons.experts.index(ExpertName(str(row["expert"]))) for row in ranked.rows]
    scores = ranked.scores[order]
    figure = Figure(figsize=(2.5 + 0.6 * scores.shape[1], 1.6 + 0.26 * len(scores)), layout="constrained")
    axes = figure.add_subplot()
    shown = axes.imshow(scores, aspect="auto", cmap="viridis", vmin=0, vmax=1)
    axes.set_xticks(range(len(ranked.skills)), ranked.skills, rotation=60, ha="right", fontsize=7)
    axes.set_yticks(range(len(order)), [str(row["expert"]) for row in ranked.rows], fontsize=7)
    figure.colorbar(shown, label="share of right answers")
    return _saved(figure, folder / f"{ranked.material.name}-skills")
