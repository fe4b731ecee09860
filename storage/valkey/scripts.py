"""Lua scripts from their files, known to the server by their hash."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

_FOLDER = Path(__file__).parent / "lua"
# A script may take in a fragment that several share: Lua in Valkey has no modules.
_INCLUDE = re.compile(r"^-- include: (\w+)$", re.MULTILINE)


class Script:
    """One script. Loading reads its file, so scripts are made when their module is imported."""

    __slots__ = ("name", "sha", "source")

    def __init__(self, name: str) -> None:
        """Read `lua/<name>.lua` and what it includes."""
        self.name = name
        self.source = _whole(name)
        self.sha = hashlib.sha1(self.source.encode(), usedforsecurity=False).hexdigest()


def _whole(name: str) -> str:
    text = (_FOLDER / f"{name}.lua").read_text("utf-8")
    return _INCLUDE.sub(lambda found: _whole(found.group(1)), text)
