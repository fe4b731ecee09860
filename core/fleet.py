"""What all hosts together say of a model: where it is, how long its work will take, and who is to take an order."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import Conflict, NotFound
from core.hosting import Backlog, HostState, OrderKind, Phase, Residence
from core.ids import HostId, ModelName

_MOST_NAMED = 10
_BRINGS = frozenset({OrderKind.LOAD, OrderKind.PIN})


def residences(hosts: Sequence[HostState], model: ModelName) -> list[tuple[HostState, Residence]]:
    """Return where `model` is loaded, being loaded, or failed to load."""
    return [(host, residence) for host in hosts for residence in host.residences if residence.model == model]


def serves(host: HostState, model: ModelName) -> bool:
    """Whether the host may serve `model`: one that names no models may serve all."""
    return not host.models or model in host.models


def backlog_seconds(backlog: Backlog, hosts: Sequence[HostState]) -> float | None:
    """Return how long the waiting work takes at most, shared by the hosts that hold its model and are not draining.

    When none of them has measured its rate, it is as long as the fastest host that ever did would take; nothing when
    work waits and no host knows.
    """
    if not backlog.waiting:
        return 0.0
    rate = sum(
        residence.tokens_per_s
        for host, residence in residences(hosts, backlog.model)
        if residence.phase is not Phase.FAILED and not host.draining
    )
    rate = rate or max((rate for host in hosts for model, rate in host.rates if model == backlog.model), default=0.0)
    return backlog.work_tokens / rate if rate > 0 else None


def granted(backlog: Backlog, hosts: Sequence[HostState]) -> list[HostId]:
    """Return the hosts that serve the model of `backlog` now, also when nothing waits."""
    return sorted({*backlog.granted, *(host.id for host in hosts if host.serving == backlog.model)})


def named_host(hosts: Sequence[HostState], host: HostId) -> HostState:
    """Return the living host of that id; raises `NotFound` naming those alive."""
    found = next((state for state in hosts if state.id == host), None)
    if found is None:
        raise not_alive(host, hosts)
    return found


def not_alive(host: HostId, hosts: Sequence[HostState]) -> NotFound:
    """Return the error for a host that is not among the living `hosts`, which it names."""
    alive = [state.id for state in hosts]
    more = f" and {len(alive) - _MOST_NAMED} more" if len(alive) > _MOST_NAMED else ""
    others = f"alive are {', '.join(alive[:_MOST_NAMED])}{more}" if alive else "no host is alive"
    unknown = NotFound.named("host", host, (), param="host")
    return NotFound(f"{unknown.message}; {others}", param="host", code=unknown.error_code)


def recipients(
    kind: OrderKind, model: ModelName, hosts: Sequence[HostState], host: HostId | None, best: HostState | None
) -> tuple[HostId, ...]:
    """Return who is to take an order about `model`: the named `host`, else `best` or every host that holds it.

    None when the model is to be brought somewhere and there is no best host. Raises `NotFound` for a host that is not
    alive, and `Conflict` when the model cannot go there, or is not where it is to be taken from.
    """
    if host is not None:
        _check(kind, model, named_host(hosts, host))
        return (host,)
    if kind in _BRINGS:
        return () if best is None else (best.id,)
    holders = tuple(holder.id for holder, _ in residences(hosts, model))
    if not holders:
        raise Conflict(f"no host holds {model}; there is nothing to {kind.value}", code="not_loaded")
    return holders


def _check(kind: OrderKind, model: ModelName, host: HostState) -> None:
    if kind not in _BRINGS:
        if not residences([host], model):
            raise Conflict(f"host {host.id} does not hold {model}", param="host", code="not_loaded")
    elif host.draining:
        raise Conflict(f"host {host.id} is draining and loads nothing", param="host", code="draining")
    elif not serves(host, model):
        raise Conflict(f"host {host.id} may not serve {model}", param="host", code="not_served")
