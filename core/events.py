"""Events: the append-only story of a run, one line per step, numbered from 1 without gaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.ids import RunId
from core.messages import Json


class EventKind(StrEnum):
    """What happened; the names are part of the HTTP surface."""

    RUN_ADMITTED = "run.admitted"
    SKILLS_TAGGED = "skills.tagged"
    PANEL_RECRUITED = "panel.recruited"
    EXPERT_CALLED = "expert.called"
    EXPERT_DELTA = "expert.delta"
    EXPERT_FINISHED = "expert.finished"
    VOTE_UPDATED = "vote.updated"
    ANSWER_DELTA = "answer.delta"
    ANSWER_FINAL = "answer.final"
    RUN_SETTLED = "run.settled"
    RUN_FAILED = "run.failed"
    RUN_CANCELLED = "run.cancelled"


TRANSIENT = frozenset({EventKind.EXPERT_DELTA, EventKind.ANSWER_DELTA})
"""Kinds that are streamed to whoever watches but not kept: the final event holds the same words."""


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a run; `data` is plain JSON and never holds secrets. `seq` is 0 for transient kinds."""

    run_id: RunId
    seq: int
    kind: EventKind
    at: datetime
    data: Mapping[str, Json]
