"""References to variables: `${NAME}`, `${NAME:-default}` and `os.environ/NAME`.

Read only where an address, a path or a secret stands; elsewhere they are plain text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_INLINE = re.compile(r"\$\{(" + _NAME + r")(?::-([^}]*))?\}")
_LITELLM = re.compile(r"os\.environ/(" + _NAME + r")\Z")


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable, and what stands for it when it is not set."""

    name: str
    default: str | None = None

    def value(self, environment: Mapping[str, str]) -> str | None:
        """Return the variable's value, the default, or nothing; an empty variable counts as not set."""
        return environment.get(self.name) or self.default or None


def sole_reference(text: str) -> Reference | None:
    """Return the reference that is the whole of `text`, or nothing."""
    if match := _LITELLM.match(text):
        return Reference(match[1])
    match = _INLINE.fullmatch(text)
    return Reference(match[1], match[2]) if match else None


def unset(text: str, environment: Mapping[str, str]) -> list[str]:
    """Return the names of variables that `text` needs and that have neither value nor default."""
    return [reference.name for reference in _references(text) if reference.value(environment) is None]


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Return `text` with its references replaced; what is not set becomes empty."""
    if sole := sole_reference(text):
        return sole.value(environment) or ""
    return _INLINE.sub(lambda match: Reference(match[1], match[2]).value(environment) or "", text)


def _references(text: str) -> list[Reference]:
    if sole := sole_reference(text):
        return [sole]
    return [Reference(match[1], match[2]) for match in _INLINE.finditer(text)]
