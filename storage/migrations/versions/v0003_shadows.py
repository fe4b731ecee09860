"""What shadows found of routers beside constants."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"

_UP = """
    CREATE TABLE shadows (
        id BIGSERIAL NOT NULL,
        pool TEXT NOT NULL,
        run_id TEXT NOT NULL,
        constant TEXT NOT NULL,
        router TEXT NOT NULL,
        profile_version TEXT NOT NULL,
        gain DOUBLE PRECISION NOT NULL,
        constant_micros BIGINT NOT NULL,
        router_micros BIGINT NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT shadows_pkey PRIMARY KEY (id),
        CONSTRAINT shadows_run_id_key UNIQUE (run_id, constant),
        CONSTRAINT shadows_gain_check CHECK (gain BETWEEN -1 AND 1),
        CONSTRAINT shadows_cost_check CHECK (constant_micros >= 0 AND router_micros >= 0)
    );
    CREATE INDEX shadows_pool_idx ON shadows (pool, id);
"""


def upgrade() -> None:
    """Make the table."""
    op.execute(_UP)


def downgrade() -> None:
    """Drop the table."""
    op.execute("DROP TABLE shadows")
