"""How each pool's router does beside constants, for Prometheus: labels are configured pools and constants only."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily

from api.exposition import exposed
from core.ids import PoolName
from wiring.regrets import Regrets

_LABELS = ("pool", "constant")


def regret_exposition(pools: Iterable[PoolName], regrets: Regrets) -> bytes:
    """Return the metrics of `regrets` in the text format."""
    samples = GaugeMetricFamily("conclave_regret_samples", "Queries the router was compared on.", labels=_LABELS)
    gain = GaugeMetricFamily(
        "conclave_regret_gain",
        "How much likelier the constant's answers are right than the router's, -1 to 1; by the vote's own estimate.",
        labels=_LABELS,
    )
    losing = GaugeMetricFamily("conclave_regret_losing", "Whether the router loses to the constant.", labels=_LABELS)
    for pool in pools:
        for regret in regrets.of(pool):
            labels = (pool, regret.constant)
            samples.add_metric(labels, regret.samples)
            gain.add_metric(labels, regret.gain)
            losing.add_metric(labels, int(regret.losing))
    return exposed((samples, gain, losing))
