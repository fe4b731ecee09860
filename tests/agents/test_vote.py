"""Promises about the weighted vote."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agents.aggregators.vote import tally
from core.ids import ExpertName
from core.thoughts import Thought
from core.usage import Usage


def _thought(expert: str, answer: str) -> Thought:
    return Thought(ExpertName(expert), text=answer, answer=answer, confidence=1.0, usage=Usage())


def _quality(**rates: float) -> dict[ExpertName, float]:
    return {ExpertName(name): rate for name, rate in rates.items()}


def test_a_reliable_expert_outweighs_two_doubtful_ones() -> None:
    thoughts = [_thought("weak", "4"), _thought("feeble", "4"), _thought("strong", "5")]

    ballots = tally(thoughts, _quality(weak=0.55, feeble=0.55, strong=0.95))

    assert ballots[0].answer == "5"


def test_equal_experts_decide_by_majority() -> None:
    thoughts = [_thought("a", "4"), _thought("b", "5"), _thought("c", "5")]

    assert tally(thoughts, _quality(a=0.7, b=0.7, c=0.7))[0].answer == "5"


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from("xyz"), st.floats(0, 1)), min_size=1))
def test_shares_are_positive_and_sum_to_one(votes: list[tuple[str, str, float]]) -> None:
    rates = _quality(**{name: rate for name, _, rate in votes})

    ballots = tally([_thought(name, answer) for name, answer, _ in votes], rates)

    assert all(ballot.share > 0 for ballot in ballots)
    assert abs(sum(ballot.share for ballot in ballots) - 1) < 1e-9
    assert list(ballots) == sorted(ballots, key=lambda ballot: -ballot.share)
