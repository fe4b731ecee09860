"""How long waiting work takes is never made up, and an order goes where it can be carried out."""

from __future__ import annotations

import pytest

from core.errors import Conflict, NotFound
from core.fleet import backlog_seconds, granted, not_alive, recipients
from core.hosting import Backlog, HostState, OrderKind, Phase, Residence
from core.ids import HostId, ModelName

TINY, LARGE = ModelName("tiny"), ModelName("large")


def a_host(
    name: str,
    *residences: Residence,
    draining: bool = False,
    models: frozenset[ModelName] = frozenset(),
    serving: ModelName | None = None,
) -> HostState:
    return HostState(
        HostId(name), f"host.{name}", 10, 5, residences=residences, draining=draining, models=models, serving=serving
    )


def held(rate: float = 0.0, phase: Phase = Phase.READY, model: ModelName = TINY) -> Residence:
    return Residence(model, phase, tokens_per_s=rate)


WORK = Backlog(TINY, 3, 1.0, work_tokens=600)
BUSY = a_host("h1", held(20.0))


@pytest.mark.parametrize(
    ("hosts", "seconds"),
    [
        ([BUSY], 30.0),
        ([BUSY, a_host("h2", held(40.0, Phase.LOADING))], 10.0),
        ([BUSY, a_host("h2", held(40.0, Phase.FAILED))], 30.0),
        ([BUSY, a_host("h2", held(40.0), draining=True)], 30.0),
        ([BUSY, a_host("h2", held(40.0, model=LARGE))], 30.0),
        ([a_host("h1", held(0.0))], None),
        ([a_host("h1", held(20.0), draining=True)], None),
        ([], None),
    ],
)
def test_waiting_work_is_shared_by_the_hosts_that_will_do_it(hosts: list[HostState], seconds: float | None) -> None:
    assert backlog_seconds(WORK, hosts) == seconds


def test_nothing_waiting_takes_no_time_whatever_is_known() -> None:
    assert backlog_seconds(Backlog(TINY, 0, 0.0), []) == 0.0


def test_a_host_that_serves_is_granted_also_when_nothing_waits() -> None:
    hosts = [a_host("h2", serving=TINY), a_host("h3", serving=LARGE)]

    assert granted(Backlog(TINY, 1, 1.0, granted=(HostId("h1"), HostId("h2"))), hosts) == ["h1", "h2"]
    assert granted(Backlog(LARGE, 0, 0.0), hosts) == ["h3"]


@pytest.mark.parametrize("kind", [OrderKind.LOAD, OrderKind.PIN])
def test_a_model_is_brought_to_the_best_host_or_to_nobody(kind: OrderKind) -> None:
    assert recipients(kind, TINY, [BUSY, a_host("h2")], None, a_host("h2")) == ("h2",)
    assert recipients(kind, TINY, [], None, None) == ()


@pytest.mark.parametrize("kind", [OrderKind.UNLOAD, OrderKind.UNPIN])
def test_a_model_is_taken_from_every_host_that_holds_it(kind: OrderKind) -> None:
    hosts = [a_host("h1", held()), a_host("h2"), a_host("h3", held(phase=Phase.FAILED))]

    assert recipients(kind, TINY, hosts, None, None) == ("h1", "h3")
    assert recipients(kind, TINY, hosts, HostId("h1"), None) == ("h1",)
    with pytest.raises(Conflict, match=f"nothing to {kind.value}"):
        recipients(kind, LARGE, hosts, None, None)
    with pytest.raises(Conflict, match="h2 does not hold tiny"):
        recipients(kind, TINY, hosts, HostId("h2"), None)


@pytest.mark.parametrize(
    ("host", "code"),
    [(a_host("h1", draining=True), "draining"), (a_host("h1", models=frozenset({LARGE})), "not_served")],
)
def test_a_model_is_not_brought_where_it_cannot_be_served(host: HostState, code: str) -> None:
    with pytest.raises(Conflict) as caught:
        recipients(OrderKind.LOAD, TINY, [host], host.id, host)

    assert caught.value.error_code == code


def test_an_order_for_a_host_that_is_gone_names_those_alive() -> None:
    with pytest.raises(NotFound, match='no host "h9"; alive are h1'):
        recipients(OrderKind.LOAD, TINY, [BUSY], HostId("h9"), BUSY)


def test_no_more_than_ten_hosts_are_named() -> None:
    message = not_alive(HostId("x"), [a_host(f"h{number}") for number in range(12)]).message

    assert message.endswith("h9 and 2 more")
    assert "h10" not in message
