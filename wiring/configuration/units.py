"""Quantities as people write them: `3GiB`, `10m`, `8x`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from wiring.configuration.problems import shown

_BYTES = {"": 1, "B": 1}
_BYTES |= {f"{letter}iB": 1024**power for power, letter in enumerate("KMGT", 1)}
_BYTES |= {f"{letter}B": 1000**power for power, letter in enumerate("KMGT", 1)}
_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([A-Za-z]{0,3})\Z")


def parse_bytes(value: object) -> int:
    """Return bytes for `3GiB`, `500MB` or a whole number; raises `ValueError`."""
    return int(_quantity(value, _BYTES, "a size such as 512MiB or 3GiB"))


def parse_seconds(value: object) -> float:
    """Return seconds for `10m`, `90s`, `1.5h` or a number; raises `ValueError`."""
    return _quantity(value, _SECONDS, "a duration such as 30s or 10m")


def parse_times(value: object) -> float:
    """Return the factor of `8x` or a number; raises `ValueError`."""
    return _quantity(value, {"": 1.0, "x": 1.0}, "a factor such as 8x")


def _quantity(value: object, units: dict[str, int] | dict[str, float], wanted: str) -> float:
    text = str(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else ""
    match = _QUANTITY.match(text.strip())
    if match is None or match[2] not in units:
        raise ValueError(f"expected {wanted}, found {shown(value)}")
    return float(match[1]) * units[match[2]]


Bytes = Annotated[
    int, BeforeValidator(parse_bytes), WithJsonSchema({"type": ["string", "integer"], "examples": ["3GiB", "512MiB"]})
]
Seconds = Annotated[
    float, BeforeValidator(parse_seconds), WithJsonSchema({"type": ["string", "number"], "examples": ["10m", "90s"]})
]
Times = Annotated[
    float, BeforeValidator(parse_times), WithJsonSchema({"type": ["string", "number"], "examples": ["8x"]})
]
