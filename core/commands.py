"""The command line that starts a model's server: words in which `{port}` and the like stand for values known later."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

PORT, PATH = "port", "path"
PLACEHOLDERS = frozenset({PORT, PATH, "context", "slots", "model"})
"""What may stand in braces."""

# Other braces are text: JSON is a usual argument of model servers.
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def placeholders(words: Iterable[str]) -> set[str]:
    """Return the names that stand in braces, known or not."""
    return {name for word in words for name in _PLACEHOLDER.findall(word)}


def fill(words: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Return the words with values in the place of names; a value never becomes more than a part of its word."""
    return [_PLACEHOLDER.sub(lambda match: values[match[1]], word) for word in words]
