"""Promises about ranking the experts of a recorded pool."""

from __future__ import annotations

import numpy as np

from core.experts import ExpertSpec, Kind
from core.ids import ExpertName
from evals.routing.material import Material
from evals.routing.standings import ranked
from routing.lessons import Lessons
from routing.readings import Asking, readings_of
from routing.replies import REPLY_CLUES


def _material(right: list[list[float]], topics: list[int]) -> Material:
    shape = (len(right), len(right[0]))
    names = tuple(ExpertName(f"e{number}") for number in range(shape[1]))
    askings = [Asking("why?")] * shape[0]
    readings = readings_of(askings, [np.zeros(2, np.float32)] * shape[0], [0.0] * shape[0])
    ones = np.ones(shape)
    nothing = np.full(shape, -1, np.intp)
    looks = np.full((*shape, len(REPLY_CLUES)), np.nan)
    truth = np.full(shape[0], -1, np.intp)
    lessons = Lessons(names, names, readings, np.array(right), nothing, ones, ones, looks, truth, np.array(topics))
    specs = tuple(ExpertSpec(name, Kind.RECORDED, name) for name in names)
    return Material("pool", lessons, specs, ones[0], ones, ("easy", "hard"), ("",) * shape[0], "tokens", 0.0)


def test_who_is_better_at_everything_comes_first() -> None:
    found = ranked(_material([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.5, 0.0]], [0, 0, 1, 1]))

    assert [row["expert"] for row in found.rows] == ["e0", "e1"]
    # After the first round nobody has as many wins as the other, so there is nobody to meet.
    assert found.rows[0]["wins"] == 1.0
    assert found.rows[1]["wins"] == 0.0


def test_rounds_go_from_easy_to_hard_and_scores_are_by_skill() -> None:
    found = ranked(_material([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, 1.0]], [1, 1, 0, 0]))

    assert found.skills == ("easy", "hard")
    assert found.scores.tolist() == [[1.0, 0.5], [1.0, 0.0]]


def test_a_recording_without_categories_is_one_round() -> None:
    found = ranked(_material([[1.0, 0.0]], [-1]))

    assert found.skills == ("all",)
