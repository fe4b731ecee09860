"""One instance for each state directory, and the record by which others find it."""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from core.errors import ConfigurationError
from wiring.supervision.secrets import write_secret

ALREADY_RUNNING = "already_running"
"""The code of the error for a state directory that another process has."""

_LOCK = "lock"
_RECORD = "service.json"


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """Where the service of a state directory answers, which process started it, and the stores it uses."""

    pid: int
    url: str
    database_url: str = ""
    redis_url: str = ""


class InstanceLock:
    """The exclusive use of a state directory; the kernel frees it when the process ends, however it ends."""

    def __init__(self, home: Path) -> None:
        """Guard `home`, which is made when it is not there."""
        self._home = home
        self._descriptor: int | None = None

    def __enter__(self) -> InstanceLock:
        """Take the lock; raises `ConfigurationError`, with the code `ALREADY_RUNNING` when another instance has it."""
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._home / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigurationError(f"CONCLAVE_HOME: cannot use {self._home}: {error.strerror}") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise ConfigurationError(_refusal(self._home, holder), code=ALREADY_RUNNING) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the next instance in."""
        forget_service(self._home)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def announce_service(home: Path, record: ServiceRecord) -> None:
    """Write where this process's service answers; the caller holds the lock of `home`."""
    write_secret(home / _RECORD, json.dumps(asdict(record)))


def forget_service(home: Path) -> None:
    """Remove the record."""
    (home / _RECORD).unlink(missing_ok=True)


def running_service(home: Path) -> ServiceRecord | None:
    """Return the service of `home`, or nothing when none is up."""
    try:
        found = json.loads((home / _RECORD).read_text(encoding="utf-8"))
        record = ServiceRecord(int(found["pid"]), *(str(found[name]) for name in ("url", "database_url", "redis_url")))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record if _alive(record.pid) else None


def _alive(pid: int) -> bool:
    """Whether a process has this id; the record of one that was killed outlives it."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _refusal(home: Path, holder: str) -> str:
    record = running_service(home)
    where = f", {record.url}" if record else ""
    return f"Conclave is already running on {home} (pid {holder or '?'}{where}); stop it or set CONCLAVE_HOME elsewhere"
