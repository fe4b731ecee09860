"""Evaluating recruiters on a small recorded pool, from files to rows: what a row promises, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import Unprocessable
from evals.routing.evaluation import LEAST, Evaluated, beliefs, evaluate, foreseen, splits_of
from evals.routing.pages import page
from evals.routing.plots import draw
from routing.recruiters import RECRUITERS
from tests.evals.recorded import items, material_of, recorded

NAMES = ["conclave", "best_single", "random"]
PROMISED = {"recruiter", "pool", "point", "accuracy", "accuracy_ci", "calls", "usd_per_1k", "tokens", "experts"}
PROMISED |= {"price_of_best_single", "over_best_single", "over_majority", "oracle_gap", "calls_by_difficulty"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recorded pool without a fault."""
    return recorded(tmp_path_factory.mktemp("pool"), items())


@pytest.fixture(scope="module")
def evaluated(folder: Path) -> Evaluated:
    """Three recruiters on two halvings."""
    material = material_of(folder)
    return evaluate(material, splits_of(material, 2, None, None), NAMES, lambda _: None)


def row(evaluated: Evaluated, recruiter: str, point: str = "default") -> dict[str, Any]:
    return next(one for one in evaluated.rows if (one["recruiter"], one["point"]) == (recruiter, point))


def test_every_recruiter_and_every_reference_has_a_row_of_all_columns(evaluated: Evaluated) -> None:
    assert {str(one["recruiter"]) for one in evaluated.rows} == {*NAMES, "oracle", "majority of all"}
    assert all(set(one) >= PROMISED for one in evaluated.rows)
    assert json.loads(json.dumps(evaluated.rows)) == list(evaluated.rows)


def test_the_default_beats_random_and_nobody_beats_the_oracle(evaluated: Evaluated) -> None:
    best = row(evaluated, "oracle", "hindsight")["accuracy"]

    assert row(evaluated, "conclave")["accuracy"] > row(evaluated, "random")["accuracy"] + 0.1
    assert all(float(str(one["accuracy"])) <= best for one in evaluated.rows)


def test_a_cap_on_calls_is_kept_and_best_single_costs_what_it_costs(evaluated: Evaluated) -> None:
    assert row(evaluated, "conclave")["calls"] <= 5
    assert row(evaluated, "best_single")["calls"] == 1
    assert row(evaluated, "best_single")["price_of_best_single"] == pytest.approx(1.0)
    assert row(evaluated, "best_single")["usd_per_1k"] == pytest.approx(0.8)


def test_an_evaluation_is_drawn_and_told_on_one_page(evaluated: Evaluated, tmp_path: Path) -> None:
    plots = draw(evaluated, tmp_path)
    text = page([(evaluated, plots)], "conclave eval routing <x>")

    assert all(path.stat().st_size for path in plots)
    assert all(name in text for name in NAMES)
    assert "<svg" in text
    assert "<x>" not in text


def test_stated_chances_are_held_against_what_came_true(evaluated: Evaluated) -> None:
    believed, right = beliefs(evaluated.examined, "conclave", "default") or (np.zeros(0), np.zeros(0))
    qualities, rights = foreseen(evaluated.material, evaluated.examined)

    assert len(believed) == len(right) == sum(len(one.rows) for one in evaluated.examined)
    assert row(evaluated, "conclave")["brier"] == pytest.approx(float(((believed - right) ** 2).mean()), abs=1e-4)
    assert 0 <= row(evaluated, "conclave")["ece"] < 0.2
    assert len(qualities) == len(rights) > 0
    assert "ece" not in row(evaluated, "oracle", "hindsight")


def test_questions_are_split_as_they_are_marked(folder: Path) -> None:
    material = material_of(folder)

    [(train, test)] = splits_of(material, 5, "train", "test")
    assert (train.tolist(), test.tolist()) == (list(range(80)), list(range(80, 160)))
    [(others, tested)] = splits_of(material, 5, None, "test")
    assert (others.tolist(), tested.tolist()) == (train.tolist(), test.tolist())
    with pytest.raises(Unprocessable, match=r'no question is marked "dev"; marks there are: test, train'):
        splits_of(material, 5, "dev", None)


def test_too_few_questions_are_refused_in_words(tmp_path: Path) -> None:
    material = material_of(recorded(tmp_path, items(2 * LEAST - 1)))

    with pytest.raises(Unprocessable, match=r"four: 39 questions to learn from and 40 to test on; at least 40"):
        evaluate(material, splits_of(material, 1, None, None), NAMES, lambda _: None)


def test_a_model_without_a_lesson_is_ranked_by_what_is_usual_and_breaks_nobody(tmp_path: Path) -> None:
    lines = items()
    for line in lines[:80]:
        del line["outcomes"]["art-large"]
    material = material_of(recorded(tmp_path, lines))

    found = evaluate(material, splits_of(material, 1, "train", "test"), list(RECRUITERS), lambda _: None)

    assert all(0 <= float(str(one["accuracy"])) <= 1 for one in found.rows)
    assert {str(one["recruiter"]) for one in found.rows} >= set(RECRUITERS)
