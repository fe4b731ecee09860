"""Usage lines, written in batches by a task in the background: the caller that spends never waits for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import orjson
import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import ConclaveError
from core.runs import UsageRecord
from storage.postgres.database import Database
from storage.postgres.plain import to_text

# One JSON parameter: a value adapted for each field of each line cost a twentieth of a pass-through (sampled).
_INSERT = text("""
    INSERT INTO usage (run_id, key_id, pool, expert, input_tokens, output_tokens, cached_tokens, micros, latency_s,
                       outcome, at)
    SELECT * FROM jsonb_to_recordset(CAST(:lines AS jsonb)) AS line (
        run_id text, key_id text, pool text, expert text, input_tokens bigint, output_tokens bigint,
        cached_tokens bigint, micros bigint, latency_s float8, outcome text, at timestamptz)
""")
_LINES_AT_ONCE = 500
_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 5.0

_log = structlog.get_logger(__name__)


class PostgresUsageLog:
    """Takes lines at once and writes them within a quarter of a second.

    When the database is away, lines are kept up to `limit`; past it new lines are dropped, counted and logged.
    """

    def __init__(self, database: Database, limit: int = 50_000) -> None:
        """Keep at most `limit` lines that are not written yet."""
        self._database = database
        self._limit = limit
        self._lines: deque[UsageRecord] = deque()
        self._writing = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None
        self.dropped = 0

    def record(self, line: UsageRecord) -> None:
        """Take a line to be written soon; never waits. Call it inside the event loop."""
        if len(self._lines) >= self._limit:
            self.dropped += 1
            # Powers of two: the first is told at once, and a flood does not flood the log.
            if self.dropped & (self.dropped - 1) == 0:
                _log.error("usage.dropped", dropped=self.dropped, kept=len(self._lines))
            return
        self._lines.append(line)
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._write_soon())

    async def flush(self) -> None:
        """Write every line taken so far; raises `Unavailable` when the database is away, keeping the lines."""
        async with self._writing:
            while self._lines:
                batch = [self._lines.popleft() for _ in range(min(_LINES_AT_ONCE, len(self._lines)))]
                try:
                    await self._insert(batch)
                except BaseException:
                    self._lines.extendleft(reversed(batch))
                    raise

    async def aclose(self) -> None:
        """Write what is left and stop."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait([self._writer])
        try:
            await self.flush()
        except ConclaveError as error:
            _log.error("usage.lost", lines=len(self._lines), reason=error.message)

    async def _write_soon(self) -> None:
        pause = _PAUSE_S
        try:
            while self._lines:
                await asyncio.sleep(pause)
                try:
                    await self.flush()
                except ConclaveError as error:
                    pause = min(2 * pause, _LONGEST_PAUSE_S)
                    _log.warning("usage.delayed", lines=len(self._lines), reason=error.message)
        finally:
            self._writer = None

    async def _insert(self, lines: Sequence[UsageRecord]) -> None:
        parameters = {"lines": orjson.dumps([_row(line) for line in lines]).decode()}

        async def insert(connection: AsyncConnection) -> None:
            await connection.execute(_INSERT, parameters)

        await self._database.transact(insert)


def _row(line: UsageRecord) -> dict[str, object]:
    return {
        "run_id": line.run_id,
        "key_id": line.key_id,
        "pool": line.pool,
        "expert": to_text(line.expert),
        "input_tokens": line.input_tokens,
        "output_tokens": line.output_tokens,
        "cached_tokens": line.cached_tokens,
        "micros": line.micros,
        "latency_s": line.latency_s,
        "outcome": to_text(line.outcome),
        "at": line.at,
    }
