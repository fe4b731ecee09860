"""Feedback on the answers of runs."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"

_UP = """
    CREATE TABLE feedback (
        run_id TEXT NOT NULL,
        key_id TEXT NOT NULL,
        expert TEXT NOT NULL,
        pool TEXT NOT NULL,
        score DOUBLE PRECISION NOT NULL,
        at TIMESTAMP WITH TIME ZONE NOT NULL,
        rights JSONB NOT NULL,
        skills JSONB NOT NULL,
        CONSTRAINT feedback_pkey PRIMARY KEY (run_id, key_id, expert),
        CONSTRAINT feedback_score_check CHECK (score BETWEEN 0 AND 1)
    );
    CREATE INDEX feedback_pool_idx ON feedback (pool, at);
"""


def upgrade() -> None:
    """Make the table."""
    op.execute(_UP)


def downgrade() -> None:
    """Drop the table."""
    op.execute("DROP TABLE feedback")
