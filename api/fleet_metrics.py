"""What hosts and mailboxes say of themselves, for Prometheus: labels are configured models and living hosts only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.utils import floatToGoString

from api.exposition import exposed
from api.fleet import Fleet
from core.fleet import backlog_seconds, serves
from core.hosting import WAIT_BOUNDS_S, HostState

_BOUNDS = (*map(floatToGoString, WAIT_BOUNDS_S), "+Inf")


def exposition_of(fleet: Fleet) -> bytes:
    """Return the metrics of `fleet` in the text format."""
    return exposed([*_of_models(fleet), *_of_hosts(fleet.hosts)])


def _of_models(fleet: Fleet) -> Iterator[Metric]:
    waiting = GaugeMetricFamily(
        "conclave_model_waiting_requests", "Requests that wait for a hosted model.", labels=["model"]
    )
    oldest = GaugeMetricFamily(
        "conclave_model_oldest_wait_seconds", "For how long the first of them has waited.", labels=["model"]
    )
    # Without a measured rate nothing is said: neither nought nor any number would be true.
    work = GaugeMetricFamily(
        "conclave_model_backlog_seconds",
        "How long what waits takes the hosts that hold the model, at most; absent while no rate is known.",
        labels=["model"],
    )
    resident = GaugeMetricFamily(
        "conclave_model_resident", "Whether a host has a model it may serve in memory.", labels=["host", "model"]
    )
    for name, backlog in fleet.backlogs.items():
        waiting.add_metric([name], backlog.waiting)
        oldest.add_metric([name], backlog.oldest_s)
        seconds = backlog_seconds(backlog, fleet.hosts)
        if seconds is not None:
            work.add_metric([name], seconds)
        for host in fleet.hosts:
            if serves(host, name):
                resident.add_metric([host.id, name], int(name in host.resident))
    yield from (waiting, oldest, work, resident)


def _of_hosts(hosts: Sequence[HostState]) -> Iterator[Metric]:
    yield _gauge("memory_bytes", "Memory that a host's models take.", ((h, h.memory_used) for h in hosts))
    yield _gauge("memory_budget_bytes", "Memory that they may take.", ((h, h.memory_budget) for h in hosts))
    yield _gauge("slots", "Requests that the model being served can decode together.", ((h, h.slots) for h in hosts))
    yield _gauge("slots_busy", "Requests being decoded.", ((h, h.slots_busy) for h in hosts))
    yield _counter("loads", "Models loaded.", ((h, h.counts.loads) for h in hosts))
    yield _counter("load_failures", "Models that could not be loaded.", ((h, h.counts.load_failures) for h in hosts))
    yield _counter("load_seconds", "Seconds spent loading.", ((h, h.counts.load_seconds) for h in hosts))
    yield _counter("evictions", "Models unloaded to make room.", ((h, h.counts.evictions) for h in hosts))
    yield _counter("turns", "Turns served.", ((h, h.counts.turns) for h in hosts))
    yield _counter("turn_seconds", "Seconds spent in turns.", ((h, h.counts.turn_seconds) for h in hosts))
    yield _counter("requests", "Requests served.", ((h, h.counts.requests) for h in hosts))
    yield _split(
        "ahead_loads",
        "Models loaded while another was served, by what became of them.",
        "outcome",
        ((h, {"used": h.counts.ahead_used, "wasted": h.counts.ahead_wasted}) for h in hosts),
    )
    yield _split(
        "tokens",
        "Tokens of served requests, by direction.",
        "direction",
        ((h, {"input": h.counts.input_tokens, "output": h.counts.output_tokens}) for h in hosts),
    )
    yield _waits(hosts)


def _gauge(name: str, meaning: str, values: Iterable[tuple[HostState, float]]) -> Metric:
    family = GaugeMetricFamily(f"conclave_host_{name}", meaning, labels=["host"])
    for host, value in values:
        family.add_metric([host.id], value)
    return family


def _counter(name: str, meaning: str, values: Iterable[tuple[HostState, float]]) -> Metric:
    family = CounterMetricFamily(f"conclave_host_{name}", meaning, labels=["host"])
    for host, value in values:
        family.add_metric([host.id], value)
    return family


def _split(name: str, meaning: str, label: str, values: Iterable[tuple[HostState, dict[str, int]]]) -> Metric:
    family = CounterMetricFamily(f"conclave_host_{name}", meaning, labels=["host", label])
    for host, parts in values:
        for part, value in parts.items():
            family.add_metric([host.id, part], value)
    return family


def _waits(hosts: Sequence[HostState]) -> Metric:
    family = HistogramMetricFamily(
        "conclave_host_wait_seconds", "How long requests had waited when a host took them.", labels=["host"]
    )
    for host in hosts:
        # A host of another version may count in other buckets, which would be misread here.
        if len(host.counts.waits) == len(_BOUNDS):
            buckets = list(zip(_BOUNDS, map(float, accumulate(host.counts.waits)), strict=True))
            family.add_metric([host.id], buckets, host.counts.wait_seconds)
    return family
