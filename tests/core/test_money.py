"""Promises about money: whole micro-dollars, never rounded to free."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.money import Price, from_usd, to_usd


def test_a_dollar_is_a_million_micros() -> None:
    assert from_usd("1") == 1_000_000
    assert from_usd(0.05) == 50_000
    assert to_usd(from_usd("0.05")) == 0.05


@given(st.integers(1, 10**6), st.integers(1, 10**9))
def test_a_priced_call_never_costs_nothing(tokens: int, rate: int) -> None:
    assert Price(input_per_million=rate).cost(tokens, 0) >= 1


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**9))
def test_one_call_costs_no_more_than_its_two_halves(first: int, second: int, rate: int) -> None:
    price = Price(output_per_million=rate)

    assert price.cost(0, first + second) <= price.cost(0, first) + price.cost(0, second)


def test_cached_tokens_cost_their_own_rate() -> None:
    price = Price(input_per_million=1_000_000, cached_input_per_million=100_000)

    assert price.cost(input_tokens=10, output_tokens=0, cached_tokens=10) == 1
    assert price.cost(input_tokens=10, output_tokens=0) == 10
