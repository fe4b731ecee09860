"""The tables, with the invariants the database itself holds. Migrations make them; a test compares the two."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Json = dict[str, Any]

RESOURCES = ("micros", "tokens", "calls")
"""What an account is capped in: micro-dollars, tokens, calls."""


class Table(DeclarativeBase):
    """The root of the tables; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "pk": "%(table_name)s_pkey",
            "fk": "%(table_name)s_%(column_0_name)s_fkey",
            "uq": "%(table_name)s_%(column_0_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s_check",
            "ix": "%(table_name)s_%(column_0_name)s_idx",
        }
    )
    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy's own declaration
        str: Text(),
        int: BigInteger(),
        bytes: LargeBinary(),
        datetime: DateTime(timezone=True),
        Json: JSONB(),
        list[str]: ARRAY(Text()),
    }


def _each(condition: str) -> str:
    return " AND ".join(condition.format(r=resource) for resource in RESOURCES)


class RunRow(Table):
    """One execution. `key_id` is no foreign key: history outlives keys."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str | None]
    target: Mapped[str]
    state: Mapped[str]
    started_at: Mapped[datetime]
    over_by: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    micros: Mapped[int] = mapped_column(server_default=text("0"))
    tokens: Mapped[int] = mapped_column(server_default=text("0"))
    calls: Mapped[int] = mapped_column(server_default=text("0"))
    error_code: Mapped[str | None]

    __table_args__ = (
        CheckConstraint("state IN ('running', 'succeeded', 'failed', 'cancelled')", name="state"),
        CheckConstraint("(state = 'running') = (finished_at IS NULL)", name="finished"),
        CheckConstraint("error_code IS NULL OR state IN ('failed', 'cancelled')", name="error"),
        CheckConstraint(_each("{r} >= 0"), name="spend"),
        CheckConstraint("over_by >= started_at", name="over"),
        Index("runs_running_idx", "over_by", postgresql_where=text("state = 'running'")),
        Index("runs_key_idx", "key_id", "started_at"),
    )


class EventRow(Table):
    """One step of a run; the primary key keeps sequence numbers unique within the run."""

    __tablename__ = "events"

    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    at: Mapped[datetime]
    data: Mapped[Json]

    __table_args__ = (CheckConstraint("seq > 0", name="seq"),)


class UsageRow(Table):
    """One call of an expert. No foreign keys: lines are written later than what they point to, in batches."""

    __tablename__ = "usage"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    run_id: Mapped[str]
    key_id: Mapped[str | None]
    pool: Mapped[str | None]
    expert: Mapped[str]
    input_tokens: Mapped[int]
    output_tokens: Mapped[int]
    cached_tokens: Mapped[int]
    micros: Mapped[int]
    latency_s: Mapped[float]
    outcome: Mapped[str]
    at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("input_tokens >= 0 AND output_tokens >= 0 AND micros >= 0 AND latency_s >= 0", name="amounts"),
        CheckConstraint("cached_tokens BETWEEN 0 AND input_tokens", name="cached"),
        Index("usage_run_idx", "run_id"),
        Index("usage_key_idx", "key_id", "at"),
    )


class ProfileRow(Table):
    """A version of a pool's profiles, as JSON; a version never changes."""

    __tablename__ = "profiles"

    pool: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    questions_id: Mapped[str]
    measured_at: Mapped[datetime]
    saved_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    data: Mapped[Json]

    __table_args__ = (Index("profiles_newest_idx", "pool", "measured_at", "saved_at"),)


class FeedbackRow(Table):
    """A judgement of a run's answer; `expert` is empty when it is of the answer as a whole. Outlives run and key."""

    __tablename__ = "feedback"

    run_id: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(primary_key=True)
    expert: Mapped[str] = mapped_column(primary_key=True)
    pool: Mapped[str]
    score: Mapped[float]
    at: Mapped[datetime]
    rights: Mapped[Json]
    skills: Mapped[Json]

    __table_args__ = (
        CheckConstraint("score BETWEEN 0 AND 1", name="score"),
        Index("feedback_pool_idx", "pool", "at"),
    )


class ShadowRow(Table):
    """How a constant router would have done beside the configured one on one query. No foreign key: runs come later."""

    __tablename__ = "shadows"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    pool: Mapped[str]
    run_id: Mapped[str]
    constant: Mapped[str]
    router: Mapped[str]
    profile_version: Mapped[str]
    gain: Mapped[float]
    constant_micros: Mapped[int]
    router_micros: Mapped[int]
    at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint("gain BETWEEN -1 AND 1", name="gain"),
        CheckConstraint("constant_micros >= 0 AND router_micros >= 0", name="cost"),
        UniqueConstraint("run_id", "constant"),
        Index("shadows_pool_idx", "pool", "id"),
    )


class KeyRow(Table):
    """An API key; the digest is all that is kept of it."""

    __tablename__ = "keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    scopes: Mapped[list[str]]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    concurrency: Mapped[int | None]
    cap_micros: Mapped[int | None]
    cap_tokens: Mapped[int | None]
    cap_calls: Mapped[int | None]
    cap_seconds: Mapped[float | None]

    __table_args__ = (
        CheckConstraint("octet_length(digest) = 32", name="digest"),
        CheckConstraint("expires_at > created_at", name="expiry"),
        CheckConstraint("concurrency > 0", name="concurrency"),
        CheckConstraint(_each("cap_{r} >= 0") + " AND cap_seconds >= 0", name="cap"),
        Index("keys_created_idx", "created_at"),
    )


class AccountRow(Table):
    """The truth about a spender: what was spent, and what was handed out to be spent elsewhere.

    `overdrawn` says that the cap was lowered below what was already spent or handed out: nothing more is handed out
    until the account fits its cap again.
    """

    __tablename__ = "accounts"

    name: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(server_default=text("1"))
    concurrency: Mapped[int | None]
    cap_micros: Mapped[int | None]
    cap_tokens: Mapped[int | None]
    cap_calls: Mapped[int | None]
    spent_micros: Mapped[int] = mapped_column(server_default=text("0"))
    spent_tokens: Mapped[int] = mapped_column(server_default=text("0"))
    spent_calls: Mapped[int] = mapped_column(server_default=text("0"))
    escrowed_micros: Mapped[int] = mapped_column(server_default=text("0"))
    escrowed_tokens: Mapped[int] = mapped_column(server_default=text("0"))
    escrowed_calls: Mapped[int] = mapped_column(server_default=text("0"))
    overdrawn: Mapped[bool] = mapped_column(server_default=text("false"))

    __table_args__ = (
        CheckConstraint(_each("cap_{r} >= 0"), name="cap"),
        CheckConstraint(_each("spent_{r} >= 0"), name="spent"),
        CheckConstraint(_each("escrowed_{r} >= 0"), name="escrowed"),
        CheckConstraint("concurrency > 0", name="concurrency"),
        CheckConstraint(
            "overdrawn OR (" + _each("(cap_{r} IS NULL OR spent_{r} + escrowed_{r} <= cap_{r})") + ")", name="law"
        ),
    )


class EscrowRow(Table):
    """What was drawn from an account for Valkey to spend, in totals that only grow: reporting twice is harmless.

    An account has one open escrow. A closed one counts, in a capped resource, as spent to the last bit.
    """

    __tablename__ = "escrows"

    id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.name"))
    opened_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    closed_at: Mapped[datetime | None]
    drawn_micros: Mapped[int] = mapped_column(server_default=text("0"))
    drawn_tokens: Mapped[int] = mapped_column(server_default=text("0"))
    drawn_calls: Mapped[int] = mapped_column(server_default=text("0"))
    returned_micros: Mapped[int] = mapped_column(server_default=text("0"))
    returned_tokens: Mapped[int] = mapped_column(server_default=text("0"))
    returned_calls: Mapped[int] = mapped_column(server_default=text("0"))
    spent_micros: Mapped[int] = mapped_column(server_default=text("0"))
    spent_tokens: Mapped[int] = mapped_column(server_default=text("0"))
    spent_calls: Mapped[int] = mapped_column(server_default=text("0"))

    __table_args__ = (
        CheckConstraint(_each("returned_{r} >= 0 AND spent_{r} >= 0"), name="amounts"),
        CheckConstraint(_each("returned_{r} + spent_{r} <= drawn_{r}"), name="drawn"),
        Index("escrows_open_idx", "account", unique=True, postgresql_where=text("closed_at IS NULL")),
    )


class HoldRow(Table):
    """A reservation made while Valkey cannot be reached; its ceiling is part of the account's escrowed amounts."""

    __tablename__ = "holds"

    id: Mapped[str] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(ForeignKey("accounts.name"))
    micros: Mapped[int]
    tokens: Mapped[int]
    calls: Mapped[int]
    expires_at: Mapped[datetime]

    __table_args__ = (
        CheckConstraint(_each("{r} >= 0"), name="ceiling"),
        Index("holds_account_idx", "account", "expires_at"),
    )
