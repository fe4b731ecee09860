"""The first schema: runs and events, usage, profiles, keys, and the accounts of the ledger."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None

_UP = """
    CREATE TABLE accounts (
        name TEXT NOT NULL,
        version BIGINT DEFAULT 1 NOT NULL,
        concurrency BIGINT,
        cap_micros BIGINT,
        cap_tokens BIGINT,
        cap_calls BIGINT,
        spent_micros BIGINT DEFAULT 0 NOT NULL,
        spent_tokens BIGINT DEFAULT 0 NOT NULL,
        spent_calls BIGINT DEFAULT 0 NOT NULL,
        escrowed_micros BIGINT DEFAULT 0 NOT NULL,
        escrowed_tokens BIGINT DEFAULT 0 NOT NULL,
        escrowed_calls BIGINT DEFAULT 0 NOT NULL,
        overdrawn BOOLEAN DEFAULT false NOT NULL,
        CONSTRAINT accounts_pkey PRIMARY KEY (name),
        CONSTRAINT accounts_cap_check CHECK (cap_micros >= 0 AND cap_tokens >= 0 AND cap_calls >= 0),
        CONSTRAINT accounts_spent_check CHECK (spent_micros >= 0 AND spent_tokens >= 0 AND spent_calls >= 0),
        CONSTRAINT accounts_escrowed_check CHECK (escrowed_micros >= 0 AND escrowed_tokens >= 0
            AND escrowed_calls >= 0),
        CONSTRAINT accounts_concurrency_check CHECK (concurrency > 0),
        CONSTRAINT accounts_law_check CHECK (
            overdrawn OR (
                (cap_micros IS NULL OR spent_micros + escrowed_micros <= cap_micros)
                AND (cap_tokens IS NULL OR spent_tokens + escrowed_tokens <= cap_tokens)
                AND (cap_calls IS NULL OR spent_calls + escrowed_calls <= cap_calls)
            )
        )
    );
    CREATE TABLE keys (
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        digest BYTEA NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL,
        scopes TEXT[] NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE,
        revoked_at TIMESTAMP WITH TIME ZONE,
        used_at TIMESTAMP WITH TIME ZONE,
        concurrency BIGINT,
        cap_micros BIGINT,
        cap_tokens BIGINT,
        cap_calls BIGINT,
        cap_seconds DOUBLE PRECISION,
        CONSTRAINT keys_pkey PRIMARY KEY (id),
        CONSTRAINT keys_digest_check CHECK (octet_length(digest) = 32),
        CONSTRAINT keys_expiry_check CHECK (expires_at > created_at),
        CONSTRAINT keys_concurrency_check CHECK (concurrency > 0),
        CONSTRAINT keys_cap_check CHECK (cap_micros >= 0 AND cap_tokens >= 0 AND cap_calls >= 0
            AND cap_seconds >= 0),
        CONSTRAINT keys_digest_key UNIQUE (digest)
    );
    CREATE INDEX keys_created_idx ON keys (created_at);
    CREATE TABLE profiles (
        pool TEXT NOT NULL,
        version TEXT NOT NULL,
        questions_id TEXT NOT NULL,
        measured_at TIMESTAMP WITH TIME ZONE NOT NULL,
        saved_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        data JSONB NOT NULL,
        CONSTRAINT profiles_pkey PRIMARY KEY (pool, version)
    );
    CREATE INDEX profiles_newest_idx ON profiles (pool, measured_at, saved_at);
    CREATE TABLE runs (
        id TEXT NOT NULL,
        key_id TEXT,
        target TEXT NOT NULL,
        state TEXT NOT NULL,
        started_at TIMESTAMP WITH TIME ZONE NOT NULL,
        over_by TIMESTAMP WITH TIME ZONE NOT NULL,
        finished_at TIMESTAMP WITH TIME ZONE,
        micros BIGINT DEFAULT 0 NOT NULL,
        tokens BIGINT DEFAULT 0 NOT NULL,
        calls BIGINT DEFAULT 0 NOT NULL,
        error_code TEXT,
        CONSTRAINT runs_pkey PRIMARY KEY (id),
        CONSTRAINT runs_state_check CHECK (state IN ('running', 'succeeded', 'failed', 'cancelled')),
        CONSTRAINT runs_finished_check CHECK ((state = 'running') = (finished_at IS NULL)),
        CONSTRAINT runs_error_check CHECK (error_code IS NULL OR state IN ('failed', 'cancelled')),
        CONSTRAINT runs_spend_check CHECK (micros >= 0 AND tokens >= 0 AND calls >= 0),
        CONSTRAINT runs_over_check CHECK (over_by >= started_at)
    );
    CREATE INDEX runs_key_idx ON runs (key_id, started_at);
    CREATE INDEX runs_running_idx ON runs (over_by) WHERE state = 'running';
    CREATE TABLE usage (
        id BIGSERIAL NOT NULL,
        run_id TEXT NOT NULL,
        key_id TEXT,
        pool TEXT,
        expert TEXT NOT NULL,
        input_tokens BIGINT NOT NULL,
        output_tokens BIGINT NOT NULL,
        cached_tokens BIGINT NOT NULL,
        micros BIGINT NOT NULL,
        latency_s DOUBLE PRECISION NOT NULL,
        outcome TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT usage_pkey PRIMARY KEY (id),
        CONSTRAINT usage_amounts_check CHECK (input_tokens >= 0 AND output_tokens >= 0 AND micros >= 0
            AND latency_s >= 0),
        CONSTRAINT usage_cached_check CHECK (cached_tokens BETWEEN 0 AND input_tokens)
    );
    CREATE INDEX usage_key_idx ON usage (key_id, at);
    CREATE INDEX usage_run_idx ON usage (run_id);
    CREATE TABLE escrows (
        id TEXT NOT NULL,
        account TEXT NOT NULL,
        opened_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        closed_at TIMESTAMP WITH TIME ZONE,
        drawn_micros BIGINT DEFAULT 0 NOT NULL,
        drawn_tokens BIGINT DEFAULT 0 NOT NULL,
        drawn_calls BIGINT DEFAULT 0 NOT NULL,
        returned_micros BIGINT DEFAULT 0 NOT NULL,
        returned_tokens BIGINT DEFAULT 0 NOT NULL,
        returned_calls BIGINT DEFAULT 0 NOT NULL,
        spent_micros BIGINT DEFAULT 0 NOT NULL,
        spent_tokens BIGINT DEFAULT 0 NOT NULL,
        spent_calls BIGINT DEFAULT 0 NOT NULL,
        CONSTRAINT escrows_pkey PRIMARY KEY (id),
        CONSTRAINT escrows_amounts_check CHECK (returned_micros >= 0 AND spent_micros >= 0 AND returned_tokens >= 0
            AND spent_tokens >= 0 AND returned_calls >= 0 AND spent_calls >= 0),
        CONSTRAINT escrows_drawn_check CHECK (returned_micros + spent_micros <= drawn_micros
            AND returned_tokens + spent_tokens <= drawn_tokens AND returned_calls + spent_calls <= drawn_calls),
        CONSTRAINT escrows_account_fkey FOREIGN KEY(account) REFERENCES accounts (name)
    );
    CREATE UNIQUE INDEX escrows_open_idx ON escrows (account) WHERE closed_at IS NULL;
    CREATE TABLE events (
        run_id TEXT NOT NULL,
        seq BIGINT NOT NULL,
        kind TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        data JSONB NOT NULL,
        CONSTRAINT events_pkey PRIMARY KEY (run_id, seq),
        CONSTRAINT events_seq_check CHECK (seq > 0),
        CONSTRAINT events_run_id_fkey FOREIGN KEY(run_id) REFERENCES runs (id) ON DELETE CASCADE
    );
    CREATE TABLE holds (
        id TEXT NOT NULL,
        account TEXT NOT NULL,
        micros BIGINT NOT NULL,
        tokens BIGINT NOT NULL,
        calls BIGINT NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT holds_pkey PRIMARY KEY (id),
        CONSTRAINT holds_ceiling_check CHECK (micros >= 0 AND tokens >= 0 AND calls >= 0),
        CONSTRAINT holds_account_fkey FOREIGN KEY(account) REFERENCES accounts (name)
    );
    CREATE INDEX holds_account_idx ON holds (account, expires_at);
"""

_DOWN = """
    DROP TABLE holds;
    DROP TABLE escrows;
    DROP TABLE accounts;
    DROP TABLE keys;
    DROP TABLE profiles;
    DROP TABLE usage;
    DROP TABLE events;
    DROP TABLE runs;
"""


def upgrade() -> None:
    """Make every table."""
    op.execute(_UP)


def downgrade() -> None:
    """Remove every table."""
    op.execute(_DOWN)
