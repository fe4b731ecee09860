"""Settings of one process, from `CONCLAVE_*` variables; secrets may come from files named by `CONCLAVE_*_FILE`.

The only file that reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import ConfigurationError

_PREFIX = "CONCLAVE_"
_SECRETS = ("DATABASE_URL", "REDIS_URL", "KEY_PEPPER", "API_KEY")


class Settings(BaseSettings):
    """Where this process finds its state, its stores and its configuration.

    Without `database_url` and `redis_url` the embedded servers under `home` are used. `url` and `api_key` are for the
    commands that ask a running service. A process with a `parent_pid` ends when that process does.
    """

    model_config = SettingsConfigDict(env_prefix=_PREFIX, extra="ignore", frozen=True)

    home: Path = Field(default_factory=lambda: Path.home() / ".conclave")
    config: Path | None = None
    cache: Path = Field(default_factory=lambda: Path.home() / ".cache" / "conclave")
    database_url: SecretStr | None = None
    redis_url: SecretStr | None = None
    key_pepper: SecretStr | None = None
    url: str | None = None
    api_key: SecretStr | None = None
    parent_pid: int | None = None
    host: str | None = None
    port: int | None = Field(default=None, ge=0, le=65535)
    host_id: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    log_level: str = "info"
    log_format: str = Field(default="auto", pattern="^(auto|json|text)$")
    lease_seconds: float = Field(default=3.0, gt=0.1, le=60)


def load_settings() -> Settings:
    """Return the settings of this process; raises `ConfigurationError` naming the variable that is wrong."""
    overrides = {name.lower(): _secret_from_file(name) for name in _SECRETS if os.environ.get(f"{_PREFIX}{name}_FILE")}
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # keys are field names, values SecretStr
    except ValueError as error:
        raise ConfigurationError(_explain(error)) from None


def environment() -> Mapping[str, str]:
    """Return the process's variables, for `${NAME}` references in conclave.yaml."""
    return os.environ


def preset(variables: Mapping[str, str]) -> None:
    """Set what a vendor reads at import, where the operator has not set it already."""
    for name, value in variables.items():
        os.environ.setdefault(name, value)


def child_environment(extra: Mapping[str, str]) -> dict[str, str]:
    """Return the variables for a child process: this one's, with `extra` over them."""
    return {**os.environ, **extra}


def foreign_environment() -> dict[str, str]:
    """Return the variables for a program that is not ours: this process's, without our settings and module path.

    Our settings hold the addresses of the stores, and our module path would put `tools` and `api` before its own.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX) and name != "PYTHONPATH"}


def _secret_from_file(name: str) -> SecretStr:
    path = Path(os.environ[f"{_PREFIX}{name}_FILE"])
    try:
        return SecretStr(path.read_text(encoding="utf-8").strip())
    except OSError as error:
        raise ConfigurationError(f"{_PREFIX}{name}_FILE: cannot read {path}: {error.strerror}") from None


def _explain(error: ValueError) -> str:
    details = getattr(error, "errors", None)
    if details is None:
        return str(error)
    first = details(include_input=False, include_url=False)[0]
    return f"{_PREFIX}{str(first['loc'][0]).upper()}: {first['msg']}"
