"""What the database itself refuses: each rule of the schema, tried."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

RUN = "INSERT INTO runs (id, target, state, started_at, over_by) VALUES ('r', 'default', 'running', now(), now())"
ACCOUNT = "INSERT INTO accounts (name, cap_micros) VALUES ('a', 100)"
ESCROW = "INSERT INTO escrows (id, account, drawn_micros) VALUES ('e', 'a', 10)"
DIGEST = f"'\\x{'ab' * 32}'::bytea"


def a_key(columns: str = "", values: str = "", key: str = "k", digest: str = DIGEST) -> str:
    row = f"'{key}', 'n', {digest}, now(), '{{run}}'{values}"
    return f"INSERT INTO keys (id, name, digest, created_at, scopes{columns}) VALUES ({row})"  # noqa: S608  # ours


def a_line(column: str, value: str) -> str:
    amounts = {"input_tokens": "1", "output_tokens": "1", "cached_tokens": "1", "micros": "1", "latency_s": "1"}
    amounts[column] = value
    row = f"'r', 'e', 'ok', now(), {', '.join(amounts.values())}"
    return f"INSERT INTO usage (run_id, expert, outcome, at, {', '.join(amounts)}) VALUES ({row})"  # noqa: S608  # ours


def a_sample(column: str = "gain", value: str = "0") -> str:
    amounts = {"gain": "0", "constant_micros": "1", "router_micros": "1"} | {column: value}
    row = f"'p', 'r', 'cheapest', 'conclave', 'v', now(), {', '.join(amounts.values())}"
    columns = f"pool, run_id, constant, router, profile_version, at, {', '.join(amounts)}"
    return f"INSERT INTO shadows ({columns}) VALUES ({row})"  # noqa: S608  # ours


REFUSED = [
    # Runs and events.
    ([RUN, RUN], errors.UniqueViolation, "runs_pkey"),
    ([RUN, "UPDATE runs SET state = 'resting', finished_at = now()"], errors.CheckViolation, "runs_state_check"),
    ([RUN.replace("running", "succeeded")], errors.CheckViolation, "runs_finished_check"),
    ([RUN, "UPDATE runs SET finished_at = now()"], errors.CheckViolation, "runs_finished_check"),
    ([RUN, "UPDATE runs SET error_code = 'x'"], errors.CheckViolation, "runs_error_check"),
    ([RUN, "UPDATE runs SET micros = -1"], errors.CheckViolation, "runs_spend_check"),
    ([RUN, "UPDATE runs SET over_by = '2000-01-01Z'"], errors.CheckViolation, "runs_over_check"),
    (["INSERT INTO events VALUES ('r', 1, 'k', now(), '{}')"], errors.ForeignKeyViolation, "events_run_id_fkey"),
    ([RUN, "INSERT INTO events VALUES ('r', 0, 'k', now(), '{}')"], errors.CheckViolation, "events_seq_check"),
    ([RUN, *["INSERT INTO events VALUES ('r', 1, 'k', now(), '{}')"] * 2], errors.UniqueViolation, "events_pkey"),
    # Usage.
    ([a_line("micros", "-1")], errors.CheckViolation, "usage_amounts_check"),
    ([a_line("latency_s", "-1")], errors.CheckViolation, "usage_amounts_check"),
    ([a_line("cached_tokens", "2")], errors.CheckViolation, "usage_cached_check"),
    # Profiles and keys.
    (
        ["INSERT INTO profiles (pool, version, questions_id, measured_at, data) VALUES ('p', 'v', 'q', now(), '{}')"]
        * 2,
        errors.UniqueViolation,
        "profiles_pkey",
    ),
    ([a_key(), a_key(key="other")], errors.UniqueViolation, "keys_digest_key"),
    ([a_key(digest="'short'::bytea")], errors.CheckViolation, "keys_digest_check"),
    ([a_key(", expires_at", ", now()")], errors.CheckViolation, "keys_expiry_check"),
    ([a_key(", concurrency", ", 0")], errors.CheckViolation, "keys_concurrency_check"),
    ([a_key(", cap_tokens", ", -1")], errors.CheckViolation, "keys_cap_check"),
    # Shadows.
    ([a_sample("gain", "1.1")], errors.CheckViolation, "shadows_gain_check"),
    ([a_sample("router_micros", "-1")], errors.CheckViolation, "shadows_cost_check"),
    ([a_sample()] * 2, errors.UniqueViolation, "shadows_run_id_key"),
    # Accounts, escrows and holds.
    (
        [ACCOUNT, "UPDATE accounts SET spent_micros = 60, escrowed_micros = 41"],
        errors.CheckViolation,
        "accounts_law_check",
    ),
    ([ACCOUNT, "UPDATE accounts SET cap_tokens = 5, escrowed_tokens = 6"], errors.CheckViolation, "accounts_law_check"),
    ([ACCOUNT, "UPDATE accounts SET cap_calls = 5, spent_calls = 6"], errors.CheckViolation, "accounts_law_check"),
    ([ACCOUNT, "UPDATE accounts SET cap_micros = -1"], errors.CheckViolation, "accounts_cap_check"),
    ([ACCOUNT, "UPDATE accounts SET spent_calls = -1"], errors.CheckViolation, "accounts_spent_check"),
    ([ACCOUNT, "UPDATE accounts SET escrowed_calls = -1"], errors.CheckViolation, "accounts_escrowed_check"),
    ([ACCOUNT, "UPDATE accounts SET concurrency = 0"], errors.CheckViolation, "accounts_concurrency_check"),
    ([ESCROW], errors.ForeignKeyViolation, "escrows_account_fkey"),
    ([ACCOUNT, ESCROW, ESCROW.replace("'e'", "'f'")], errors.UniqueViolation, "escrows_open_idx"),
    (
        [ACCOUNT, ESCROW, "UPDATE escrows SET spent_micros = 6, returned_micros = 5"],
        errors.CheckViolation,
        "escrows_drawn",
    ),
    ([ACCOUNT, ESCROW, "UPDATE escrows SET returned_tokens = -1"], errors.CheckViolation, "escrows_amounts_check"),
    (["INSERT INTO holds VALUES ('h', 'a', 1, 1, 1, now())"], errors.ForeignKeyViolation, "holds_account_fkey"),
    ([ACCOUNT, "INSERT INTO holds VALUES ('h', 'a', 1, -1, 1, now())"], errors.CheckViolation, "holds_ceiling_check"),
]

ACCEPTED = [
    ([RUN, "UPDATE runs SET state = 'failed', finished_at = now(), error_code = 'x'"]),
    ([ACCOUNT, "UPDATE accounts SET spent_micros = 60, escrowed_micros = 40"]),
    ([ACCOUNT, "UPDATE accounts SET spent_micros = 101, overdrawn = true"]),
    ([ACCOUNT, ESCROW, "UPDATE escrows SET closed_at = now()", ESCROW.replace("'e'", "'f'")]),
    ([ACCOUNT, ESCROW, "UPDATE escrows SET spent_micros = 5, returned_micros = 5"]),
]


@pytest.fixture
def connection(postgres_url: str) -> Iterator[psycopg.Connection]:
    """A transaction that is rolled back."""
    with psycopg.connect(postgres_url) as connection, connection.transaction(force_rollback=True):
        yield connection


@pytest.mark.parametrize(("statements", "error", "rule"), REFUSED)
def test_the_database_refuses(
    connection: psycopg.Connection, statements: list[str], error: type[psycopg.Error], rule: str
) -> None:
    *before, last = statements
    for statement in before:
        connection.execute(statement.encode())

    with pytest.raises(error, match=rule), connection.transaction():
        connection.execute(last.encode())


@pytest.mark.parametrize("statements", ACCEPTED)
def test_the_database_accepts(connection: psycopg.Connection, statements: list[str]) -> None:
    for statement in statements:
        connection.execute(statement.encode())


def test_events_go_with_their_run(connection: psycopg.Connection) -> None:
    for statement in (RUN, "INSERT INTO events VALUES ('r', 1, 'k', now(), '{}')", "DELETE FROM runs"):
        connection.execute(statement.encode())

    assert connection.execute("SELECT count(*) FROM events").fetchone() == (0,)
