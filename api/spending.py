"""`/v1/usage` and `/v1/budgets`: what was spent, told apart as asked, and what each key may spend yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import orjson
from starlette.responses import Response

from api.auth import OPERATORS
from api.routes import Visit
from core.errors import InvalidRequest, NotFound, near
from core.keys import RUN_SCOPE, ApiKey
from core.money import to_usd
from core.ports import Ledger
from core.rendering import budget_json, spend_json
from core.spending import By, Period, Spent

_KNOWN: Final = frozenset({"by", "since", "until"})
_USUAL: Final = timedelta(days=30)
_LONGEST: Final = timedelta(days=3660)
_FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)


async def show_usage(visit: Visit) -> Response:
    """Return what was used, of the last 30 days where no period is asked for, with the sum of it."""
    query = visit.request.query_params
    for name in query:
        if name not in _KNOWN:
            raise InvalidRequest(f"?: unknown parameter{near(name, _KNOWN)}", param="?", code="unknown_parameter")
    by, period = _by(query), _period(query, visit)
    spent = await visit.container.spending.report(by, period)
    (whole,) = await visit.container.spending.report((), period)
    body = {
        "object": "list",
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
        "data": [_line(one) for one in spent] if by else [],
        "total": _line(whole),
    }
    return Response(orjson.dumps(body), media_type="application/json")


async def show_budgets(visit: Visit) -> Response:
    """Return what keys may spend, have spent and hold: to an operator everybody's, to others their own."""
    everybody = not visit.key.scopes.isdisjoint(OPERATORS)
    keys = list(await visit.container.keys.all()) if everybody else [visit.key]
    data = [await _budget(visit.container.ledger, key) for key in keys]
    return Response(orjson.dumps({"object": "list", "data": data}), media_type="application/json")


async def _budget(ledger: Ledger, key: ApiKey) -> dict[str, object]:
    told: dict[str, object] = {
        "key": key.id,
        "name": key.name,
        "cap": budget_json(key.budget),
        "concurrency": key.concurrency,
    }
    try:
        state = await ledger.state(f"key:{key.id}")
    except NotFound:
        # It has never asked for anything.
        return told | {"spent": None, "held": None}
    return told | {"spent": spend_json(state.spent), "held": spend_json(state.held)}


def _by(query: Mapping[str, str]) -> Sequence[By]:
    names = [name for name in query.get("by", "pool,expert").split(",") if name]
    known = [one.value for one in By]
    for name in names:
        if name not in known:
            raise InvalidRequest(f"by: any of {', '.join(known)}{near(name, known)}", param="by", code="invalid_value")
    return tuple(By(name) for name in dict.fromkeys(names))


def _period(query: Mapping[str, str], visit: Visit) -> Period:
    now = visit.container.clock.now()
    until = _time(query, "until") or now + timedelta(minutes=1)
    since = _time(query, "since") or max(until, _FIRST + _USUAL) - _USUAL
    if not timedelta() < until - since <= _LONGEST:
        raise InvalidRequest("since: before until, and no more than ten years", param="since", code="invalid_value")
    return Period(since, until, visit.key.id if visit.key.scopes == {RUN_SCOPE} else None)


def _time(query: Mapping[str, str], name: str) -> datetime | None:
    given = query.get(name)
    if given is None:
        return None
    try:
        time = datetime.fromisoformat(given)
    except ValueError:
        raise InvalidRequest(
            f"{name}: a date or a time such as 2026-11-30T12:00:00Z", param=name, code="invalid_value"
        ) from None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _line(spent: Spent) -> dict[str, object]:
    return {
        **{by.value: value for by, value in spent.group.items()},
        "calls": spent.usage.calls,
        "input_tokens": spent.usage.input_tokens,
        "output_tokens": spent.usage.output_tokens,
        "cached_tokens": spent.usage.cached_tokens,
        "cost_usd": to_usd(spent.micros),
    }
