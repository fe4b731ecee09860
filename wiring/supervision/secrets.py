"""What is made once for each state directory and kept there for its owner's eyes only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from core.clock import Clock
from core.errors import ConfigurationError
from core.ids import IdSource, KeyId
from core.keys import SCOPES, is_genuine, key_id_of, mint_key
from core.ports import KeyStore

PEPPER = "pepper"
FIRST_KEY = "key"


def ensure_pepper(home: Path) -> Path:
    """Return the file with the pepper of API keys, made of 32 random bytes the first time."""
    path = home / PEPPER
    if not path.exists():
        write_secret(path, secrets.token_urlsafe(32))
    return path


async def ensure_first_key(home: Path, keys: KeyStore, pepper: str, clock: Clock, ids: IdSource) -> bool:
    """Make sure that the key kept in `home` is known to `keys`; tell whether a new one was made.

    It may do everything: who can read the file owns the installation.
    """
    shown = read_secret(home / FIRST_KEY) or ""
    key_id = key_id_of(shown)
    known = await keys.find(key_id) if key_id else None
    if known is not None and known.usable(clock.now()) and is_genuine(known, shown, pepper.encode()):
        return False
    key, shown = mint_key(KeyId(ids.new()), "first", pepper.encode(), clock.now(), scopes=SCOPES)
    await keys.add(key)
    write_secret(home / FIRST_KEY, shown)
    return True


def write_secret(path: Path, text: str) -> None:
    """Write a file only its owner can read; it is there in full or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    draft.replace(path)


def read_secret(path: Path) -> str | None:
    """Return the secret, or nothing when it was never written; raises `ConfigurationError` when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
