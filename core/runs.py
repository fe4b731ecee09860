"""A run: one execution, from admission to a terminal state it never leaves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.budgets import Spend
from core.ids import KeyId, RunId


class RunState(StrEnum):
    """Where a run stands; the last three are terminal."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether the run is over."""
        return self is not RunState.RUNNING


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a pool, a strategy or an expert on behalf of a key.

    One that still runs after `over_by` died with its process.
    """

    id: RunId
    key_id: KeyId | None
    target: str
    state: RunState
    started_at: datetime
    over_by: datetime
    finished_at: datetime | None = None
    spend: Spend = Spend()
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """One call's line in the usage table: who, through what, how much."""

    run_id: RunId
    key_id: KeyId | None
    pool: str | None
    expert: str
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    micros: int
    latency_s: float
    outcome: str
    at: datetime
