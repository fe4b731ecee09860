"""Where an embedded server lives: its directory, the lock that says it is in use, and a socket path short enough."""

from __future__ import annotations

import fcntl
import hashlib
import os
import socket
import tempfile
import time
from contextlib import closing
from pathlib import Path

from core.errors import ConfigurationError

# Linux allows 107 bytes for the path of a unix socket, macOS 103.
_LONGEST_SOCKET_PATH = 100
_POLL_S = 0.02


def take(data_dir: Path, what: str, wait_s: float = 10.0) -> int:
    """Return a descriptor that holds the lock of `data_dir`; the server inherits it and so holds it for its life.

    A server of a process that was just killed needs a moment to stop: the lock is waited for `wait_s` seconds, then
    `ConfigurationError` is raised.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    opened = os.open(data_dir / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    # Above the numbers a shell may name, as the leash does on the way to the server.
    lock = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(opened)
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline:
                os.close(lock)
                raise ConfigurationError(
                    f"another {what} is using {data_dir}; stop it or choose another home"
                ) from None
            time.sleep(_POLL_S)
        else:
            return lock


def socket_dir(data_dir: Path, file_name: str) -> Path:
    """Return a private directory for a unix socket: under `data_dir`, or a short one when that path is too long."""
    folder = data_dir / "run"
    if len(os.fsencode(folder / file_name)) > _LONGEST_SOCKET_PATH:
        digest = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"conclave-{digest}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def make_private(folder: Path, uid: int, gid: int) -> None:
    """Let only `uid` into `folder`; raises `ConfigurationError` when somebody else owns it."""
    if folder.stat().st_uid not in (uid, os.geteuid()):
        raise ConfigurationError(f"{folder} belongs to another user; remove it or choose another home")
    os.chown(folder, uid, gid)
    folder.chmod(0o700)


def last_words(log: Path) -> str:
    """Return the end of a server's log, for an error message."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return " ".join(lines[-2:]) or "it said nothing"


def refuse_taken_port(port: int, what: str) -> None:
    """Raise `ConfigurationError` when something listens on `port` of the loopback already."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigurationError(
                f"port {port} is not free for {what} ({error.strerror}); choose another port"
            ) from None
