"""What models cost and hold, from the price map that LiteLLM ships, read as a file without importing LiteLLM."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from core.errors import MissingArtefact
from core.money import Price

_FILE = "litellm/model_prices_and_context_window_backup.json"
_PER_MILLION = Decimal(1_000_000) * Decimal(1_000_000)
_TIER = re.compile(r"^input_cost_per_token_above_(\d+)k_tokens$")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is listed of a model: its price, the tokens it takes in, and the tokens it gives at most; 0 is unknown.

    `context` ends where a dearer tier of the price would begin, so that the price holds for everything that fits.
    """

    price: Price
    context: int
    max_output: int
    abilities: frozenset[str]


def card_of(target: str) -> ModelCard | None:
    """Return what is listed for `provider/model`, or nothing. The first call reads a file of 2 MB, in some 20 ms."""
    listed = _listed()
    provider, _, model = target.partition("/")
    found = listed.get(target)
    if found is None and model:
        bare = listed.get(model)
        if bare is not None and str(bare.get("litellm_provider", "")).startswith(provider):
            found = bare
    return None if found is None else _card(found)


def price_map_path() -> Path:
    """Return where the price map is; raises `MissingArtefact` when LiteLLM is not installed or ships none."""
    try:
        path = Path(str(importlib.metadata.distribution("litellm").locate_file(_FILE)))
    except importlib.metadata.PackageNotFoundError:
        raise MissingArtefact("litellm is not installed; run `make setup`") from None
    if not path.is_file():
        raise MissingArtefact("the installed litellm ships no price map; install the locked version with `make setup`")
    return path


@lru_cache(maxsize=1)
def _listed() -> Mapping[str, dict[str, Any]]:
    listed: dict[str, dict[str, Any]] = orjson.loads(price_map_path().read_bytes())
    listed.pop("sample_spec", None)
    return listed


def _card(found: Mapping[str, Any]) -> ModelCard:
    output = max(_rate(found, "output_cost_per_token"), _rate(found, "output_cost_per_reasoning_token"))
    cached = _rate(found, "cache_read_input_token_cost") if "cache_read_input_token_cost" in found else None
    return ModelCard(
        price=Price(
            input_per_million=_rate(found, "input_cost_per_token"),
            output_per_million=output,
            cached_input_per_million=cached,
            per_call=_micros(found, "input_cost_per_request"),
        ),
        context=_context(found),
        max_output=_count(found.get("max_output_tokens")) or _count(found.get("max_tokens")),
        abilities=_abilities(found),
    )


def _context(found: Mapping[str, Any]) -> int:
    tiers = [int(match[1]) * 1000 for key in found if (match := _TIER.match(key))]
    most = _count(found.get("max_input_tokens")) or _count(found.get("max_tokens"))
    return min([most, *tiers]) if most else min(tiers, default=0)


def _abilities(found: Mapping[str, Any]) -> frozenset[str]:
    named = {
        "json_schema": "supports_response_schema",
        "tools": "supports_function_calling",
        "vision": "supports_vision",
    }
    return frozenset({"chat"} | {ability for ability, key in named.items() if found.get(key) is True})


def _rate(found: Mapping[str, Any], key: str) -> int:
    """Return dollars a token as micro-dollars a million tokens, rounded up."""
    return _ceiling(found.get(key), _PER_MILLION)


def _micros(found: Mapping[str, Any], key: str) -> int:
    return _ceiling(found.get(key), Decimal(1_000_000))


def _ceiling(value: Any, factor: Decimal) -> int:
    if not isinstance(value, int | float):
        return 0
    return int((Decimal(str(value)) * factor).to_integral_value(ROUND_CEILING))


def _count(value: Any) -> int:
    return int(value) if isinstance(value, int | float) else 0
