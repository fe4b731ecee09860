"""Runs on record in which two experts were heard: one gave the answer, and one another."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.events import Event, EventKind
from core.ids import KeyId, RunId, UlidSource
from core.messages import Json
from core.runs import Run, RunState
from storage.postgres.database import Database
from storage.postgres.runs import PostgresRunLog
from tests.api.conftest import CLOCK

_STORY: tuple[tuple[EventKind, dict[str, Json]], ...] = (
    (EventKind.SKILLS_TAGGED, {"skills": [{"name": "algebra", "weight": 0.6}]}),
    (EventKind.EXPERT_FINISHED, {"expert": "echo", "served_by": "echo", "declined": None, "error": None}),
    (EventKind.EXPERT_FINISHED, {"expert": "priced", "served_by": "priced", "declined": None, "error": None}),
    (EventKind.ANSWER_FINAL, {"gave": ["echo"], "differed": ["priced"]}),
)


async def recorded(database: Database, key_id: KeyId | None, state: RunState, target: str = "default") -> RunId:
    """Record a run of a key in some state, and return its id."""
    runs, now = PostgresRunLog(database), CLOCK.now()
    run_id = RunId(UlidSource(CLOCK).new())
    run = Run(run_id, key_id, target, RunState.RUNNING, now, over_by=now + timedelta(hours=1))
    await runs.begin(run)
    await runs.append([Event(run_id, at, kind, now, data) for at, (kind, data) in enumerate(_STORY, 1)])
    if state.terminal:
        await runs.finish(replace(run, state=state, finished_at=now))
    return run_id
