"""API keys: what is stored of one is never enough to use it. Minting and checking are pure; randomness is passed in.

A key reads `cvl_<id>_<secret>_<check>`: a prefix for secret scanners, the id it is looked up by, 32 random bytes and a
checksum, both in base 62.
"""

from __future__ import annotations

import hmac
import re
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from core.budgets import Budget
from core.ids import KeyId

RUN_SCOPE = "run"
SCOPES = frozenset({"view", RUN_SCOPE, "approve", "admin", "operator"})
"""What a key may be allowed: look, ask, approve, manage its own account, operate the installation."""

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_BYTES = 32
_SECRET_DIGITS = 43
_CHECK_DIGITS = 6
_SHAPE = re.compile(rf"cvl_([0-9A-Za-z]{{1,40}})_[0-9A-Za-z]{{{_SECRET_DIGITS}}}_([0-9A-Za-z]{{{_CHECK_DIGITS}}})")


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A caller. `digest` is HMAC-SHA-256 of the key with the server's pepper; the key itself is shown once."""

    id: KeyId
    name: str
    digest: bytes
    created_at: datetime
    scopes: frozenset[str] = frozenset({RUN_SCOPE})
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    concurrency: int | None = None
    budget: Budget = field(default_factory=Budget)

    def usable(self, now: datetime) -> bool:
        """Whether the key may be used at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def mint_key(
    key_id: KeyId,
    name: str,
    pepper: bytes,
    now: datetime,
    *,
    scopes: frozenset[str] = frozenset({RUN_SCOPE}),
    expires_at: datetime | None = None,
    concurrency: int | None = None,
    budget: Budget | None = None,
    entropy: Callable[[int], bytes] = secrets.token_bytes,
) -> tuple[ApiKey, str]:
    """Return a new key to store and the text to show once. `key_id` holds only letters and digits (a ULID does)."""
    secret = _base62(int.from_bytes(entropy(_SECRET_BYTES)), _SECRET_DIGITS)
    body = f"cvl_{key_id}_{secret}"
    shown = f"{body}_{_check(body)}"
    if key_id_of(shown) != key_id:
        raise ValueError("a key's id is 1 to 40 letters and digits")
    key = ApiKey(
        id=key_id,
        name=name,
        digest=digest_of(shown, pepper),
        created_at=now,
        scopes=scopes,
        expires_at=expires_at,
        concurrency=concurrency,
        budget=budget or Budget(),
    )
    return key, shown


def key_id_of(shown: str) -> KeyId | None:
    """Return the id in a presented key, or nothing when it is not well formed; needs no store and no pepper."""
    match = _SHAPE.fullmatch(shown)
    if match is None or _check(shown[: -_CHECK_DIGITS - 1]) != match[2]:
        return None
    return KeyId(match[1])


def digest_of(shown: str, pepper: bytes) -> bytes:
    """Return what is stored of a key: HMAC-SHA-256 under the server's pepper (the key has 256 bits of its own)."""
    return hmac.digest(pepper, shown.encode(), "sha256")


def is_genuine(key: ApiKey, shown: str, pepper: bytes) -> bool:
    """Whether the presented text is this very key; takes the same time for every wrong one."""
    return hmac.compare_digest(key.digest, digest_of(shown, pepper))


def _check(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK_DIGITS)


def _base62(value: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        value, rest = divmod(value, 62)
        text = _BASE62[rest] + text
    return text
