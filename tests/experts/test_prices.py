"""Prices and sizes of models, from the file LiteLLM ships."""

from __future__ import annotations

import orjson
import pytest

from experts.remote.prices import card_of, price_map_path


def test_a_model_of_a_lean_provider_has_its_price_and_sizes() -> None:
    card = card_of("openai/gpt-4.1-mini")

    assert card is not None
    assert (card.price.input_per_million, card.price.output_per_million) == (400_000, 1_600_000)
    assert card.price.cached_input_per_million == 100_000
    assert (card.context, card.max_output) == (1_047_576, 32_768)
    assert {"chat", "tools", "vision", "json_schema"} <= card.abilities


def test_a_model_listed_with_its_provider_is_found_too() -> None:
    assert card_of("deepseek/deepseek-chat") is not None


@pytest.mark.parametrize("target", ["openai/no-such-model", "groq/gpt-4.1-mini", "nonsense", "", "openai/"])
def test_what_is_not_listed_has_no_price(target: str) -> None:
    assert card_of(target) is None


def test_the_context_ends_where_a_dearer_price_would_begin() -> None:
    card = card_of("gemini/gemini-2.5-pro")

    assert card is not None
    assert card.context == 200_000


def test_every_listed_model_can_be_read() -> None:
    listed = orjson.loads(price_map_path().read_bytes())

    cards = [card for name in listed if (card := card_of(name)) is not None]

    assert len(cards) > 1000
    assert all(card.price.input_per_million >= 0 and card.context >= 0 for card in cards)
