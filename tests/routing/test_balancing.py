"""The balancing bias: equals share the load, nobody clearly better is passed over, and the bias has a bound."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ids import ExpertName
from routing.balancing import BOUND, STEP, Balance

NAMES = [ExpertName(f"e{number}") for number in range(12)]


def loads(scores: list[float], k: int, rounds: int) -> Counter[ExpertName]:
    """Return how often each expert was among the best `k` by score and bias."""
    balance, count = Balance(), Counter[ExpertName]()
    names = NAMES[: len(scores)]
    for _ in range(rounds):
        best = np.argsort(-(np.array(scores) + balance.bias(names)), kind="stable")[:k]
        count.update(names[at] for at in best)
        balance.chosen(names, [names[at] for at in best])
    return count


@given(st.integers(2, 12), st.data(), st.integers(1, 30))
@settings(max_examples=40)
def test_with_equal_scores_loads_stay_within_a_few_seats_of_one_another(
    experts: int, data: st.DataObject, turns: int
) -> None:
    k = data.draw(st.integers(1, experts - 1))

    count = loads([0.5] * experts, k, turns * experts)

    assert max(count.values()) - min(count[name] for name in NAMES[:experts]) <= 6


def test_experts_of_like_quality_take_turns() -> None:
    count = loads([0.51, 0.5], 1, 1000)

    assert abs(count[NAMES[0]] - count[NAMES[1]]) <= 20


def test_who_is_better_by_more_than_twice_the_bound_keeps_every_seat() -> None:
    assert loads([0.5 + 2 * BOUND + 0.001, 0.5], 1, 1000)[NAMES[0]] == 1000


decisions = st.lists(st.tuples(st.sets(st.sampled_from(NAMES), min_size=1), st.lists(st.sampled_from(NAMES))))


@given(decisions, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_no_bias_ever_exceeds_its_bound(
    history: list[tuple[set[ExpertName], list[ExpertName]]], step: float, bound: float, decay: float
) -> None:
    balance = Balance(step=step, bound=bound, decay=decay)

    for candidates, panel in history:
        balance.chosen(sorted(candidates), panel)

        assert (np.abs(balance.bias(NAMES)) <= bound).all()


def test_a_bias_fades_once_loads_are_even() -> None:
    balance = Balance()
    pair = NAMES[:2]
    balance.chosen(pair, pair[:1])
    balance.chosen(pair, pair[1:])
    for _ in range(400):
        balance.chosen(pair, pair)

    assert np.abs(balance.bias(pair)).max() < STEP / 100


def test_who_could_not_be_chosen_is_not_moved() -> None:
    balance = Balance()

    balance.chosen(NAMES[:2], NAMES[:1])

    assert balance.bias(NAMES[:3]).tolist() == [-STEP, STEP, 0.0]


def test_a_decision_without_candidates_is_none() -> None:
    balance = Balance()

    balance.chosen([], [])

    assert balance.bias([]).size == 0
