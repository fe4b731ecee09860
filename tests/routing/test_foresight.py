"""Foresight: who is right where is foreseen once lessons show it, and an expert without any is as good as the usual."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ids import ExpertName
from routing.foresight import LEAST, Foresight, learn
from routing.lessons import Lessons
from tests.routing.schooled import EAST, NAMES, SKILL, WEST, lessons, reading


def foreseen(foresight: Foresight, cluster: int) -> list[float]:
    return [float(quality) for quality in foresight.quality(reading(cluster))[0]]


def at_random(seed: int) -> Lessons:
    """Return lessons in which everybody is right at random, each at a rate of its own."""
    rates = np.array([0.3, 0.5, 0.6, 0.8])
    drawn = np.random.default_rng(seed).random((240, len(NAMES)))
    return replace(lessons(), right=(drawn < rates).astype(np.float64))


def forgotten(taught: Lessons, share: float, seed: int = 5) -> Lessons:
    """Return the lessons with a share of the outcomes never recorded."""
    gone = np.random.default_rng(seed).random(taught.right.shape) < share
    right, words, price = (np.where(gone, np.nan, array) for array in (taught.right, taught.words, taught.price))
    return replace(taught, right=right, words=words, price=price, said=np.where(gone, -1, taught.said))


def test_whoever_is_good_at_a_subject_is_foreseen_to_be() -> None:
    foresight = learn(lessons()).foresight

    assert foreseen(foresight, EAST) == pytest.approx(SKILL[EAST], abs=0.2)
    assert foreseen(foresight, WEST) == pytest.approx(SKILL[WEST], abs=0.2)


def test_from_outcomes_at_random_only_the_rates_are_learned() -> None:
    for seed in range(6):
        taught = at_random(seed)
        foresight = learn(taught).foresight

        for cluster in (EAST, WEST):
            assert foreseen(foresight, cluster) == pytest.approx(taught.right.mean(axis=0), abs=0.08)


def test_what_is_held_out_predicts_and_is_less_sure_of_itself_than_hindsight() -> None:
    taught = lessons()
    learned = learn(taught)
    hindsight = learned.foresight.quality(taught.readings)

    def error(quality: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
        return float(((taught.right - quality) ** 2).mean())

    assert error(hindsight) < error(learned.held_out) < error(taught.right.mean(axis=0)[None])


def test_a_question_is_foreseen_the_same_whether_its_own_outcome_was_good_or_bad() -> None:
    taught = lessons()
    other = taught.right.copy()
    other[0] = 1 - other[0]

    before, after = (learn(one).held_out[0] for one in (taught, replace(taught, right=other)))

    # Its outcome moves the experts' levels by a 240th and nothing else.
    assert before == pytest.approx(after, abs=2 / 240)


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_outcomes_that_were_not_recorded_are_tolerated(share: float) -> None:
    learned = learn(forgotten(lessons(600), share))

    assert np.isfinite(learned.held_out).all()
    assert foreseen(learned.foresight, EAST)[0] > foreseen(learned.foresight, EAST)[2] + 0.1


def test_an_expert_without_lessons_is_taken_to_be_as_usual() -> None:
    taught = lessons()
    stranger = learn(taught.among((*taught.experts, ExpertName("stranger")))).foresight

    mean = float(taught.right.mean())
    assert foreseen(stranger, EAST)[4] == pytest.approx(mean, abs=0.2)
    assert np.isfinite(stranger.words_expected(reading(EAST))).all()


def test_the_length_of_a_reply_is_foreseen_by_subject() -> None:
    taught = lessons()
    words = np.where(taught.topics[:, None] == EAST, 40.0, 160.0) * np.ones(len(NAMES))
    foresight = learn(replace(taught, words=words)).foresight

    assert foresight.words_expected(reading(EAST))[0] == pytest.approx([40] * 4, rel=0.3)
    assert foresight.words_expected(reading(WEST))[0] == pytest.approx([160] * 4, rel=0.3)


@given(st.integers(1, 12), st.integers(0, 100))
@settings(max_examples=25)
def test_however_few_the_lessons_foresight_is_a_chance(count: int, seed: int) -> None:
    learned = learn(forgotten(lessons(count, seed=seed), 0.4, seed))

    for quality in (learned.held_out, learned.foresight.quality(reading(EAST))):
        assert np.isfinite(quality).all()
        assert quality.min() >= LEAST
        assert quality.max() <= 1 - LEAST


def test_the_same_lessons_teach_the_same() -> None:
    first, second = learn(lessons()), learn(lessons())

    assert np.array_equal(first.held_out, second.held_out)
    assert np.array_equal(first.foresight.right.weights, second.foresight.right.weights)
