"""Identifiers as types, and the source they come from: sortable 26-character ULIDs."""

from __future__ import annotations

import random
import secrets
from typing import NewType, Protocol

from core.clock import Clock

RunId = NewType("RunId", str)
RequestId = NewType("RequestId", str)
DecisionId = NewType("DecisionId", str)
HoldId = NewType("HoldId", str)
KeyId = NewType("KeyId", str)
HostId = NewType("HostId", str)
ExpertName = NewType("ExpertName", str)
ModelName = NewType("ModelName", str)
PoolName = NewType("PoolName", str)
SkillName = NewType("SkillName", str)

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class IdSource(Protocol):
    """Where new identifiers come from; passed in so that tests can make them predictable."""

    def new(self) -> str:
        """Return an identifier never returned before."""
        ...


class UlidSource:
    """ULIDs: 48 bits of milliseconds, then 80 random bits, in Crockford's base 32."""

    def __init__(self, clock: Clock, rng: random.Random | None = None) -> None:
        """Take time from `clock` and randomness from `rng`, the system's when none is given."""
        self._clock = clock
        self._bits = rng.getrandbits if rng else secrets.randbits

    def new(self) -> str:
        """Return a fresh ULID; later milliseconds sort later."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        value = (milliseconds << 80) | self._bits(80)
        return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))
