"""JSON as PostgreSQL can keep it: it refuses NUL and lone surrogates, which models and tools do produce."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from core.messages import Json

_SUSPECT = re.compile(r"\\u(?:0000|d[89a-f])", re.IGNORECASE)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def to_json(value: Json) -> str:
    """Return `value` as JSON text that jsonb accepts; characters it refuses become U+FFFD."""
    text = json.dumps(value, separators=(",", ":"), default=_as_plain)
    # Emoji are escaped as surrogate pairs too, so a hit is only a suspicion.
    return json.dumps(_cleaned(value), separators=(",", ":")) if _SUSPECT.search(text) else text


def to_text(value: str) -> str:
    """Return `value` with the characters that PostgreSQL refuses replaced by U+FFFD."""
    return _UNSTORABLE.sub(_REPLACEMENT, value)


def _cleaned(value: Json) -> Json:
    if isinstance(value, str):
        return to_text(value)
    if isinstance(value, Mapping):
        return {to_text(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_cleaned(item) for item in value]
    return value


def _as_plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence):
        return list(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
