"""The append-only record of runs. Writes of runs under way at the same time share one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import exc, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.budgets import Spend
from core.errors import Conflict, NotFound
from core.events import Event, EventKind
from core.ids import KeyId, RunId
from core.money import Micros
from core.runs import Run, RunState
from storage.coalescing import Coalescer
from storage.postgres.database import Database
from storage.postgres.plain import to_json, to_text
from storage.postgres.schema import EventRow, RunRow, UsageRow

_log = structlog.get_logger(__name__)

_BEGIN = text("""
    INSERT INTO runs (id, key_id, target, state, started_at, over_by)
    SELECT * FROM unnest(CAST(:id AS text[]), CAST(:key_id AS text[]), CAST(:target AS text[]), CAST(:state AS text[]),
                         CAST(:started_at AS timestamptz[]), CAST(:over_by AS timestamptz[]))
""")
_APPEND = text("""
    INSERT INTO events (run_id, seq, kind, at, data)
    SELECT run_id, seq, kind, at, data::jsonb
    FROM unnest(CAST(:run_id AS text[]), CAST(:seq AS bigint[]), CAST(:kind AS text[]), CAST(:at AS timestamptz[]),
                CAST(:data AS text[])) AS e (run_id, seq, kind, at, data)
""")
_FINISH = text("""
    WITH running AS (SELECT id FROM runs WHERE id = ANY(CAST(:id AS text[])) ORDER BY id FOR UPDATE)
    UPDATE runs SET state = f.state, finished_at = f.finished_at, micros = f.micros, tokens = f.tokens,
                    calls = f.calls, error_code = f.error_code
    FROM running JOIN unnest(CAST(:id AS text[]), CAST(:state AS text[]), CAST(:finished_at AS timestamptz[]),
                CAST(:micros AS bigint[]), CAST(:tokens AS bigint[]), CAST(:calls AS bigint[]),
                CAST(:error_code AS text[])) AS f (id, state, finished_at, micros, tokens, calls, error_code) USING (id)
    WHERE runs.id = f.id AND runs.state = 'running'
    RETURNING runs.id
""")
_LOSE = text("""
    WITH lost AS (SELECT id FROM runs WHERE state = 'running' AND over_by < now() ORDER BY id FOR UPDATE SKIP LOCKED)
    UPDATE runs SET state = 'failed', finished_at = now(), error_code = 'process_lost'
    FROM lost WHERE runs.id = lost.id
    RETURNING runs.id
""")


@dataclass(frozen=True, slots=True)
class _Begin:
    run: Run


@dataclass(frozen=True, slots=True)
class _Append:
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class _Finish:
    run: Run


_Write = _Begin | _Append | _Finish


class PostgresRunLog:
    """Runs and their events.

    `behind` is for runs that die with their process anyway: writes are taken in order and return at once, reads of
    the same process see them, and what cannot be written is logged, not raised.
    """

    def __init__(self, database: Database, *, behind: bool = False) -> None:
        """Write through `database`."""
        self._database = database
        self._behind = behind
        self._writes: Coalescer[_Write, None] = Coalescer(self._commit, lost=_tell_lost)

    async def begin(self, run: Run) -> None:
        """Record a run that starts; raises `Conflict` when it was recorded before."""
        await self._take(_Begin(run))

    async def append(self, events: Sequence[Event]) -> None:
        """Record events; raises `Conflict` when a sequence number was used before, `NotFound` without their run."""
        if events:
            await self._take(_Append(events))

    async def finish(self, run: Run) -> None:
        """Record the terminal state; raises `Conflict` when the run is over already, `NotFound` when it never began."""
        await self._take(_Finish(run))

    async def lose(self) -> int:
        """Fail every run that should have been over by now, with the code `process_lost`; return how many."""

        async def write(connection: AsyncConnection) -> int:
            return len((await connection.execute(_LOSE)).all())

        return await self._database.transact(write)

    async def run(self, run_id: RunId) -> Run:
        """Return a run; raises `NotFound`. A call passed through has no record of its own but that of its usage."""

        async def read(connection: AsyncConnection) -> Run:
            row = (await connection.execute(select(*RunRow.__table__.columns).where(RunRow.id == run_id))).one_or_none()
            if row is not None:
                return _run(row)
            lines = select(*UsageRow.__table__.columns).where(UsageRow.run_id == run_id).order_by(UsageRow.id)
            calls = (await connection.execute(lines)).all()
            if not calls:
                raise _unknown(run_id)
            return _passed_through(run_id, calls)

        await self._catch_up()
        return await self._database.transact(read)

    async def events(self, run_id: RunId, after: int = 0) -> Sequence[Event]:
        """Return a run's events numbered above `after`, in order."""
        query = (
            select(*EventRow.__table__.columns)
            .where(EventRow.run_id == run_id, EventRow.seq > after)
            .order_by(EventRow.seq)
        )

        async def read(connection: AsyncConnection) -> Sequence[Event]:
            return [
                Event(RunId(row.run_id), row.seq, EventKind(row.kind), row.at, row.data)
                for row in await connection.execute(query)
            ]

        await self._catch_up()
        return await self._database.transact(read)

    async def aclose(self) -> None:
        """Wait for the writes under way."""
        await self._writes.drain()

    async def _take(self, write: _Write) -> None:
        if self._behind:
            self._writes.leave(write)
        else:
            await self._writes.submit(write)

    async def _catch_up(self) -> None:
        if self._behind:
            await self._writes.drain()

    async def _commit(self, writes: Sequence[_Write]) -> Sequence[BaseException | None]:
        async def all_at_once(connection: AsyncConnection) -> list[BaseException | None]:
            return await _write(connection, writes)

        try:
            return await self._database.transact(all_at_once)
        except exc.IntegrityError as error:
            if len(writes) == 1:
                return [_explain(writes[0], error)]
        # One of them broke a rule of the schema and took the others with it: each on its own, in order.
        return [answer for write in writes for answer in await self._commit([write])]


async def _write(connection: AsyncConnection, writes: Sequence[_Write]) -> list[BaseException | None]:
    begun = [write.run for write in writes if isinstance(write, _Begin)]
    events = [event for write in writes if isinstance(write, _Append) for event in write.events]
    if begun:
        await connection.execute(_BEGIN, _columns(begun, _BEGIN_COLUMNS))
    if events:
        await connection.execute(_APPEND, _columns(events, _EVENT_COLUMNS))
    refused = await _finish(connection, [write for write in writes if isinstance(write, _Finish)])
    return [refused.get(id(write)) for write in writes]


async def _finish(connection: AsyncConnection, writes: Sequence[_Finish]) -> dict[int, BaseException]:
    """Return the writes that were refused, by identity, with the reason: the first for a running run counts."""
    if not writes:
        return {}
    firsts: dict[str, _Finish] = {}
    for write in writes:
        firsts.setdefault(write.run.id, write)
    # Rows are locked in the order of their ids, so that two batches never wait for each other.
    runs = [firsts[run_id].run for run_id in sorted(firsts)]
    ended = {row.id for row in await connection.execute(_FINISH, _columns(runs, _FINISH_COLUMNS))}
    refused = [write for write in writes if firsts[write.run.id] is not write or write.run.id not in ended]
    known = await _known(connection, [write.run.id for write in refused]) if refused else set()
    return {
        id(write): Conflict(f"run {write.run.id} is over already") if write.run.id in known else _unknown(write.run.id)
        for write in refused
    }


async def _known(connection: AsyncConnection, ids: Sequence[str]) -> set[str]:
    return {row.id for row in await connection.execute(select(RunRow.id).where(RunRow.id.in_(ids)))}


_BEGIN_COLUMNS: dict[str, Callable[[Run], Any]] = {
    "id": lambda run: run.id,
    "key_id": lambda run: run.key_id,
    "target": lambda run: to_text(run.target),
    "state": lambda run: run.state.value,
    "started_at": lambda run: run.started_at,
    "over_by": lambda run: run.over_by,
}
_FINISH_COLUMNS: dict[str, Callable[[Run], Any]] = {
    "id": lambda run: run.id,
    "state": lambda run: run.state.value,
    "finished_at": lambda run: run.finished_at,
    "micros": lambda run: run.spend.micros,
    "tokens": lambda run: run.spend.tokens,
    "calls": lambda run: run.spend.calls,
    "error_code": lambda run: run.error_code,
}
_EVENT_COLUMNS: dict[str, Callable[[Event], Any]] = {
    "run_id": lambda event: event.run_id,
    "seq": lambda event: event.seq,
    "kind": lambda event: event.kind.value,
    "at": lambda event: event.at,
    "data": lambda event: to_json(event.data),
}
_ENDED_AS = {"ok": RunState.SUCCEEDED, "declined": RunState.SUCCEEDED, "cancelled": RunState.CANCELLED}


def _columns(rows: Sequence[Any], columns: dict[str, Callable[[Any], Any]]) -> dict[str, list[Any]]:
    return {name: [value(row) for row in rows] for name, value in columns.items()}


def _tell_lost(errors: Sequence[BaseException]) -> None:
    _log.error("runs.writes_lost", writes=len(errors), reason=type(errors[0]).__name__)


def _explain(write: _Write, error: exc.IntegrityError) -> BaseException:
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if constraint == "events_run_id_fkey" and isinstance(write, _Append):
        return _unknown(write.events[0].run_id)
    if constraint == "events_pkey":
        return Conflict("an event with this sequence number was recorded before")
    if constraint == "runs_pkey":
        return Conflict("a run with this id was recorded before")
    return error


def _unknown(run_id: str) -> NotFound:
    return NotFound(f'no run "{run_id[:40]}"', code="unknown_run")


def _run(row: Any) -> Run:
    return Run(
        id=RunId(row.id),
        key_id=None if row.key_id is None else KeyId(row.key_id),
        target=row.target,
        state=RunState(row.state),
        started_at=row.started_at,
        over_by=row.over_by,
        finished_at=row.finished_at,
        spend=Spend(Micros(row.micros), row.tokens, row.calls),
        error_code=row.error_code,
    )


def _passed_through(run_id: RunId, calls: Sequence[Any]) -> Run:
    """Return the run that its usage lines tell of: the call of one expert, and of its fallbacks."""
    first, last = calls[0], calls[-1]
    state = _ENDED_AS.get(last.outcome, RunState.FAILED)
    return Run(
        id=run_id,
        key_id=None if first.key_id is None else KeyId(first.key_id),
        target=f"expert/{first.expert}",
        state=state,
        started_at=first.at - timedelta(seconds=first.latency_s),
        over_by=last.at,
        finished_at=last.at,
        spend=Spend(
            Micros(sum(call.micros for call in calls)),
            sum(call.input_tokens + call.output_tokens for call in calls),
            len(calls),
        ),
        error_code=last.outcome if state is RunState.FAILED else None,
    )
