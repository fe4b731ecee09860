"""The boot check of the root packages: their names are generic, so another distribution could stand in their place."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from core.errors import ConfigurationError

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("core", "experts", "routing", "agents", "tools", "workers", "storage", "api", "cli", "wiring", "evals")


def check_rooms(root: Path = ROOT) -> None:
    """Raise `ConfigurationError` naming every package that is not the one of this tree."""
    foreign = {room: origin for room in ROOMS if not (origin := _origin(room)).is_relative_to(root)}
    if foreign:
        found = ", ".join(f"{room} from {origin}" for room, origin in foreign.items())
        raise ConfigurationError(f"another package stands in Conclave's place: {found}; use an environment of its own")


def _origin(room: str) -> Path:
    spec = find_spec(room)
    return Path(spec.origin if spec and spec.origin else "nowhere")
