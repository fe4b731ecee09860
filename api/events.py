"""Runs and their events: what happened, as one object or as a stream that can be taken up again where it broke."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from typing import Final

import orjson
from starlette.responses import Response

from api.routes import Visit
from api.streams import EventStream
from core.errors import InvalidRequest, NotFound
from core.events import Event
from core.ids import RunId
from core.keys import RUN_SCOPE
from core.ports import RunLog
from core.rendering import spend_json
from core.runs import Run

_LOOK_AGAIN_S: Final = 0.25
_RUN_ID = re.compile(r"[0-9A-Z]{26}")
_POSITION = re.compile(r"[0-9]{1,9}")


async def show_run(visit: Visit) -> Response:
    """Return a run's state and spend."""
    run = await run_of(visit, visit.request.path_params["run_id"])
    body = {
        "id": run.id,
        "object": "conclave.run",
        "target": run.target,
        "state": run.state.value,
        "started_at": run.started_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "spend": spend_json(run.spend),
        "error_code": run.error_code,
    }
    return Response(orjson.dumps(body), media_type="application/json")


async def stream_run_events(visit: Visit) -> Response:
    """Return a run's kept events, those before `Last-Event-ID` left out, until the run is over."""
    run = await run_of(visit, visit.request.path_params["run_id"])
    after = _position(visit.request.headers.get("last-event-id"))
    log = visit.container.runs
    if after and not await log.events(run.id, after - 1):
        raise InvalidRequest("last-event-id: this run has no such event", param="last-event-id")
    return EventStream(_follow(log, run.id, after))


async def _follow(log: RunLog, run_id: RunId, after: int) -> AsyncGenerator[bytes, None]:
    while True:
        # The state is read first: events of a run that is over cannot follow the ones read after it.
        over = (await log.run(run_id)).state.terminal
        for event in await log.events(run_id, after):
            after = event.seq
            yield _line(event)
        if over:
            return
        await asyncio.sleep(_LOOK_AGAIN_S)


async def run_of(visit: Visit, given: str) -> Run:
    """Return the run of that id; raises `NotFound` for one that is not there, or not the caller's to see."""
    if not _RUN_ID.fullmatch(given):
        raise _unknown()
    try:
        run = await visit.container.runs.run(RunId(given))
    except NotFound:
        raise _unknown() from None
    # A key that may only ask sees its own runs, and learns nothing of others: not even that they are there.
    if visit.key.scopes == {RUN_SCOPE} and run.key_id != visit.key.id:
        raise _unknown()
    return run


def _position(given: str | None) -> int:
    if given is None:
        return 0
    if not given.isascii() or not _POSITION.fullmatch(given):
        raise InvalidRequest("last-event-id: the number of an event of this run", param="last-event-id")
    return int(given)


def _line(event: Event) -> bytes:
    data = orjson.dumps({"at": event.at.isoformat(), **event.data})
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.seq, event.kind.value.encode(), data)


def _unknown() -> NotFound:
    return NotFound("no such run", param="run_id", code="unknown_run")
