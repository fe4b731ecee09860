"""Reports of what was spent: usage lines added up by what they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.ids import KeyId
from core.money import Micros
from core.usage import Usage


class By(StrEnum):
    """What usage can be told apart by; `DAY` is that of UTC."""

    KEY = "key"
    POOL = "pool"
    EXPERT = "expert"
    OUTCOME = "outcome"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Period:
    """Which lines count: from `since` on and before `until`, and of one key only when it is given."""

    since: datetime
    until: datetime
    key_id: KeyId | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What calls with the same `group` used; a line without a key or a pool has nothing there."""

    group: Mapping[By, str | None]
    usage: Usage
    micros: Micros
