"""Who may use which route: every row of the table, for every kind of key."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api.app import OPEN_PATHS, ROWS
from api.auth import Door
from api.routes import Row
from core.clock import ManualClock
from core.errors import NotAuthenticated
from core.ids import KeyId
from core.keys import ApiKey, mint_key
from tests.api.conftest import Running

ALLOWED = {
    "/v1/chat/completions": {"runner", "admin"},
    "/v1/route": {"runner", "admin"},
    "/v1/routers": {"runner", "admin"},
    "/v1/feedback": {"runner", "admin"},
    "/v1/profiles": {"viewer", "runner", "approver", "admin", "operator"},
    "/v1/profiles/{pool}": {"viewer", "runner", "approver", "admin", "operator"},
    "PUT /v1/profiles/{pool}": {"operator"},
    "/v1/usage": {"viewer", "runner", "approver", "admin", "operator"},
    "/v1/budgets": {"runner", "admin", "operator"},
    "/v1/regret": {"operator"},
    "/v1/embeddings": {"runner", "admin"},
    "/v1/models": {"viewer", "runner", "approver", "admin", "operator"},
    "/v1/models/{model:path}": {"viewer", "runner", "approver", "admin", "operator"},
    "/v1/runs/{run_id}": {"viewer", "runner", "approver", "admin", "operator"},
    "/v1/runs/{run_id}/events": {"viewer", "runner", "approver", "admin", "operator"},
    "/v1/admin/hosts": {"operator"},
    "/v1/admin/hosts/{host_id}": {"operator"},
    "/v1/admin/hosts/{host_id}/drain": {"operator"},
    "/v1/admin/models": {"operator"},
    "/v1/admin/models/{name}": {"operator"},
    "/v1/admin/models/{name}/load": {"operator"},
    "/v1/admin/models/{name}/unload": {"operator"},
    "/v1/admin/models/{name}/pin": {"operator"},
    "/v1/admin/models/{name}/unpin": {"operator"},
    "/metrics": {"operator"},
    "/openapi.json": {"operator"},
}
KINDS = ("viewer", "runner", "approver", "admin", "operator")
START = datetime(2026, 1, 1, tzinfo=UTC)


def test_every_route_has_a_line_in_the_matrix() -> None:
    assert {named(row) for row in ROWS} == set(ALLOWED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.path}")
def test_a_key_may_do_what_the_matrix_says_and_nothing_else(api: Running, row: Row) -> None:
    for kind in KINDS:
        told = status(api, kind, row)

        assert told < 500
        assert (told == 403) is (kind not in ALLOWED[named(row)]), kind


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.path}")
@pytest.mark.parametrize("kind", [None, "expired"])
def test_without_a_working_key_there_is_no_way_in(api: Running, row: Row, kind: str | None) -> None:
    assert status(api, kind, row) == 401


@pytest.mark.parametrize("path", OPEN_PATHS)
def test_health_needs_no_key(api: Running, path: str) -> None:
    with api.http(None) as client:
        assert client.get(path).status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc", "Bearer " + "x" * 500, "Bearer \u00e9"])
def test_a_strange_authorization_header_is_a_401_in_the_envelope(api: Running, header: str) -> None:
    with api.http(None) as client:
        answer = client.get("/v1/models", headers={b"authorization": header.encode("latin-1")})

    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"
    assert answer.headers["www-authenticate"] == "Bearer"


def named(row: Row) -> str:
    """The line of a row in the matrix: its path, with its method where that has a line of its own."""
    line = f"{row.method} {row.path}"
    return line if line in ALLOWED else row.path


def status(api: Running, kind: str | None, row: Row) -> int:
    path = row.path.replace("{model:path}", "default").replace("{run_id}", "0" * 26)
    path = path.replace("{name}", "absent").replace("{host_id}", "absent").replace("{pool}", "default")
    with api.http(kind) as client:
        return client.request(row.method, path, json={} if row.method in {"POST", "PUT"} else None).status_code


class Shelf:
    """A key store in memory that counts look-ups."""

    def __init__(self, key: ApiKey) -> None:
        self.key: ApiKey | None = key
        self.looked_up = 0
        self.touched: set[KeyId] = set()

    async def find(self, key_id: KeyId) -> ApiKey | None:
        self.looked_up += 1
        return self.key if self.key and self.key.id == key_id else None

    async def touch(self, used: set[KeyId]) -> None:
        self.touched |= used


async def test_a_key_is_looked_up_once_in_three_seconds_and_a_revoked_one_stops_then() -> None:
    clock = ManualClock(START)
    key, shown = mint_key(KeyId("K1"), "k", b"p", START)
    shelf = Shelf(key)
    door = Door(shelf, b"p", clock)  # type: ignore[arg-type]  # the door only finds and touches
    scope = {"headers": [(b"authorization", f"Bearer {shown}".encode())]}
    for _ in range(5):
        await door.admit(scope, frozenset({"run"}))

    shelf.key = None
    assert shelf.looked_up == 1
    clock.advance(3.1)
    with pytest.raises(NotAuthenticated):
        await door.admit(scope, frozenset({"run"}))


async def test_use_of_keys_is_recorded() -> None:
    key, shown = mint_key(KeyId("K1"), "k", b"p", START)
    shelf = Shelf(key)
    door = Door(shelf, b"p", ManualClock(START))  # type: ignore[arg-type]  # the door only finds and touches
    await door.admit({"headers": [(b"authorization", f"Bearer {shown}".encode())]}, frozenset({"run"}))

    await door.record_use()

    assert shelf.touched == {"K1"}
