"""The bandit: it learns from rewards, tries what it does not know, and starts from lessons or counts."""

from __future__ import annotations

import random

import numpy as np
import pytest

from routing.recruiters import Recruiter, bandit
from routing.recruiters.bandit import DIMENSIONS, NOISE, PRIOR, Bandit, make
from routing.slate import Slate
from tests.routing.schooled import EAST, NAMES, SKILL, WEST, asked, panel, schooling, whys


def shares(made: Recruiter, slate: Slate, times: int = 200) -> dict[str, float]:
    drawn = [panel(made.recruit(slate, random.Random(seed)))[0] for seed in range(times)]
    return {name: drawn.count(name) / times for name in NAMES}


def test_rewards_teach_who_is_good_at_what() -> None:
    made, luck = Bandit(), random.Random(5)
    for turn in range(300):
        slate = asked(turn % 2)
        at = NAMES.index(panel(made.recruit(slate, luck))[0])
        made.learn(slate, at, float(luck.random() < SKILL[turn % 2, at]))

    # Counts alone, of the skill "law", never send anything to the west.
    assert sum(shares(made, asked(WEST))[name] for name in NAMES[2:]) > 0.7
    assert sum(shares(made, asked(EAST))[name] for name in NAMES[:2]) > 0.7


def test_it_starts_from_the_lessons() -> None:
    made = make(schooling())

    assert shares(made, asked(EAST))["east-dear"] > 0.6
    assert shares(made, asked(WEST))["west-dear"] > 0.6


def test_without_lessons_it_tries_others_than_the_best_by_counts() -> None:
    tried = shares(make(None), asked(EAST))

    assert tried["east-dear"] > tried["west-cheap"] > 0


def test_one_reward_at_a_time_is_the_ridge_regression_of_all() -> None:
    rng = np.random.default_rng(1)
    features, rewards = rng.normal(size=(30, DIMENSIONS + 1)), rng.random(30)
    arm = bandit.Arm(np.eye(DIMENSIONS + 1) / PRIOR, np.zeros(DIMENSIONS + 1))
    for row, reward in zip(features, rewards.tolist(), strict=True):
        arm.learn(row, reward)

    precision = features.T @ features + PRIOR * np.eye(DIMENSIONS + 1)
    weights = np.linalg.solve(precision, features.T @ rewards)

    mean, deviation = arm.belief(features[0])
    assert mean == pytest.approx(features[0] @ weights)
    assert deviation == pytest.approx(NOISE * np.sqrt(features[0] @ np.linalg.solve(precision, features[0])))


def test_rewards_make_it_surer() -> None:
    made, slate = Bandit(), asked(EAST)
    unsure = shares(made, slate)["west-cheap"]

    for _ in range(50):
        made.learn(slate, NAMES.index("west-cheap"), 0.0)

    assert shares(made, slate)["west-cheap"] < unsure
    assert "rewarded by" in whys(made.recruit(slate, random.Random(0)))["west-cheap"]


def test_two_bandits_of_one_school_learn_apart() -> None:
    one, other = make(schooling()), make(schooling())
    assert isinstance(one, Bandit)
    assert isinstance(other, Bandit)
    slate = asked(EAST)
    before = other.recruit(slate, random.Random(3))

    one.learn(slate, 0, 1.0)

    assert other.recruit(slate, random.Random(3)) == before
