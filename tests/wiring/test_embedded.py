"""The embedded servers: real, private, and gone with the process that started them, however it dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import redis
from structlog.testing import capture_logs

from core.errors import ConfigurationError
from tests.fixtures.servers import QUICK
from wiring.embedded.leash import Account
from wiring.embedded.place import take
from wiring.embedded.postgres import EmbeddedPostgres, _let_through, _run
from wiring.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).resolve().parents[2]
Server = EmbeddedPostgres | EmbeddedValkey
SERVERS: list[type[Server]] = [EmbeddedPostgres, EmbeddedValkey]

OWNER = """
import sys
from pathlib import Path
from wiring.embedded.{module} import {name}
server = {name}(Path(sys.argv[1]), settings={settings})
print(server.start(), flush=True)
sys.stdin.read()
"""


SETTINGS: dict[type[Server], dict[str, str]] = {EmbeddedPostgres: QUICK, EmbeddedValkey: {}}


@pytest.fixture(scope="module", params=SERVERS, ids=["postgres", "valkey"])
def kind(request: pytest.FixtureRequest) -> type[Server]:
    kind: type[Server] = request.param
    return kind


@pytest.fixture(scope="module")
def home(server_home: Path, kind: type[Server]) -> Path:
    """A directory for one server at a time: a new cluster costs a second."""
    return server_home / kind.__name__


@pytest.fixture
def started(kind: type[Server], home: Path) -> Iterator[tuple[Server, str]]:
    server = kind(home, settings=SETTINGS[kind])
    yield server, server.start()
    server.stop()


def remember(url: str) -> None:
    if url.startswith("postgresql"):
        with closing(psycopg.connect(url)) as connection, connection.transaction():
            connection.execute("CREATE TABLE IF NOT EXISTS kept ()")
    else:
        with closing(redis.Redis.from_url(url)) as client:
            client.set("kept", 1)
            client.waitaof(1, 0, 5000)


def remembers(url: str) -> bool:
    if url.startswith("postgresql"):
        with closing(psycopg.connect(url)) as connection:
            return connection.execute("SELECT to_regclass('kept') IS NOT NULL").fetchone() == (True,)
    with closing(redis.Redis.from_url(url)) as client:
        return client.get("kept") == b"1"


def an_owner(kind: type[Server], home: Path) -> tuple[subprocess.Popen[str], str]:
    """A process that started a server, and the server's URL."""
    code = OWNER.format(module=kind.__module__.rpartition(".")[2], name=kind.__name__, settings=SETTINGS[kind])
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(home)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    return owner, owner.stdout.readline().strip()


def test_what_was_written_is_there_after_a_restart(started: tuple[Server, str]) -> None:
    server, url = started
    remember(url)

    server.stop()
    stopped = server.running

    assert not stopped
    assert remembers(server.start())


def test_only_the_owner_may_reach_it(started: tuple[Server, str]) -> None:
    _, url = started
    folder = Path(parse_qs(urlsplit(url).query)["host"][0]) if "host=" in url else Path(urlsplit(url).path).parent

    assert folder.stat().st_mode & 0o077 == 0


def test_nothing_survives_an_owner_that_was_killed(kind: type[Server], home: Path) -> None:
    owner, url = an_owner(kind, home)
    remember(url)

    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    # The server holds the lock for as long as it lives.
    os.close(take(home, "server", wait_s=20))

    again = kind(home, settings=SETTINGS[kind])
    kept = remembers(again.start())
    again.stop()
    assert kept


def test_a_second_instance_is_refused(started: tuple[Server, str], home: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"is using {home}"):
        take(home, "server", wait_s=0.0)


def test_a_taken_port_is_a_clear_error(kind: type[Server], home: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(ConfigurationError, match=f"port {port} is not free"):
            kind(home, port=port).start()


def test_a_port_wants_a_password(kind: type[Server], home: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    server = kind(home, port=port, settings=SETTINGS[kind])

    url = server.start()
    remember(url)
    bare = url.replace(f":{urlsplit(url).password}@", "@")

    with pytest.raises((psycopg.OperationalError, redis.AuthenticationError)):
        remembers(bare)
    server.stop()


def test_a_start_that_was_interrupted_begins_anew(server_home: Path) -> None:
    home = server_home / "interrupted"
    (home / "cluster.new" / "base").mkdir(parents=True)
    server = EmbeddedPostgres(home, settings=QUICK)

    url = server.start()
    remember(url)

    server.stop()
    assert not (home / "cluster.new").exists()


def test_a_server_that_cannot_start_says_why(kind: type[Server], home: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"did not start: .*no_such_setting"):
        kind(home, settings={**SETTINGS[kind], "no_such_setting": "1"}).start()


def test_a_cluster_that_is_never_made_is_a_typed_error() -> None:
    with pytest.raises(ConfigurationError, match=r"sleep took more than 0\.1 seconds"):
        _run(["sleep", "60"], Account(os.geteuid(), os.getegid()), within_s=0.1)


def test_a_directory_of_others_opened_for_the_servers_user_is_a_warning(tmp_path: Path) -> None:
    private = tmp_path / "private"
    data_dir = private / "home" / "postgres"
    for step in (private, data_dir.parent, data_dir):
        step.mkdir(mode=0o700)

    with capture_logs() as said:
        _let_through(data_dir)

    assert private.stat().st_mode & 0o777 == 0o701
    warned = [line["path"] for line in said if line["log_level"] == "warning"]
    assert str(private) in warned
    assert str(data_dir.parent) not in warned


def test_a_long_path_is_no_obstacle(kind: type[Server], home: Path) -> None:
    server = kind(home / ("d" * 120), settings=SETTINGS[kind])

    remember(server.start())

    server.stop()


def test_ctrl_c_in_a_terminal_does_not_reach_the_server(kind: type[Server], home: Path) -> None:
    owner, url = an_owner(kind, home)
    listed = subprocess.run(["ps", "-o", "pgid=", "--ppid", str(owner.pid)], check=True, capture_output=True, text=True)

    groups = {int(group) for group in listed.stdout.split()}

    assert groups
    assert os.getpgid(owner.pid) not in groups
    remember(url)
    owner.communicate("")
