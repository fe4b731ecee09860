"""Database URLs as SQLAlchemy wants them."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from core.errors import ConfigurationError

_DIALECTS = {"postgres", "postgresql", "postgresql+psycopg"}


def dialect_url(database_url: str) -> URL:
    """Return the URL with the psycopg 3 driver; raises `ConfigurationError` for anything but PostgreSQL."""
    try:
        url = make_url(database_url)
    except ArgumentError:
        raise ConfigurationError("CONCLAVE_DATABASE_URL: not a URL; use postgresql://user:password@host/name") from None
    if url.drivername not in _DIALECTS:
        raise ConfigurationError(f'CONCLAVE_DATABASE_URL: "{url.drivername}" is not supported; use postgresql://')
    return url.set(drivername="postgresql+psycopg")
