"""What is wrong in a configuration file, said so that an editor can jump to it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from core.errors import ConfigurationError

Path = tuple[str | int, ...]
"""Where a value stands in the document: keys and list positions from the root."""


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing to mend; `line` counts from 1, and 0 means the file as a whole."""

    line: int
    path: Path
    message: str

    def render(self, file: str) -> str:
        """Return `file:line: the.key: message`."""
        place = f"{file}:{self.line}" if self.line else file
        return f"{place}: {dotted(self.path)}: {self.message}" if self.path else f"{place}: {self.message}"


def refuse(file: str, problems: Iterable[Problem]) -> ConfigurationError:
    """Return the error that lists every problem once, in the order of the file."""
    ordered = sorted(set(problems), key=lambda problem: (problem.line, dotted(problem.path), problem.message))
    return ConfigurationError("\n".join(problem.render(file) for problem in ordered))


def dotted(path: Path) -> str:
    """Return a path the way people write it: `pools.default.experts[2]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part if part.isprintable() and len(part) <= 80 else shown(part)
            text += f".{plain}" if text else plain
    return text


def shown(value: object) -> str:
    """Return a found value in quotes, short and printable."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False, default=str)
    text = "".join(character if character.isprintable() else "?" for character in text)
    return text if len(text) <= 80 else f"{text[:76]}..."
