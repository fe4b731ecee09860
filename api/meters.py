"""What the API process counts for Prometheus: base units, bounded labels, never an id."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from core.money import to_usd
from core.usage import Usage

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Meters:
    """The counters of one process, in a registry of its own."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.registry = CollectorRegistry()
        self.in_flight = Gauge(
            "conclave_http_requests_in_flight", "Requests being answered now.", registry=self.registry
        )
        self._requests = Counter(
            "conclave_http_requests",
            "Requests answered, by route and status.",
            ["route", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "conclave_http_request_duration_seconds",
            "Seconds from the request's head to the last byte of its answer.",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        tokens = Counter(
            "conclave_tokens", "Tokens used by answered requests, by direction.", ["direction"], registry=self.registry
        )
        self._input, self._output = tokens.labels("input"), tokens.labels("output")
        self._cost = Counter(
            "conclave_cost_usd", "Dollars spent by answered requests, as priced.", registry=self.registry
        )
        self._of_route: dict[str, Histogram] = {}
        self._of_answer: dict[tuple[str, int], Counter] = {}

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one answered request; `route` is a path template."""
        counter = self._of_answer.get((route, status))
        if counter is None:
            counter = self._of_answer[route, status] = self._requests.labels(route, str(status))
        histogram = self._of_route.get(route)
        if histogram is None:
            histogram = self._of_route[route] = self._seconds.labels(route)
        counter.inc()
        histogram.observe(seconds)

    def used(self, usage: Usage, micros: int) -> None:
        """Count what an answer took."""
        self._input.inc(usage.input_tokens)
        self._output.inc(usage.output_tokens)
        if micros:
            self._cost.inc(to_usd(micros))

    def exposition(self) -> tuple[bytes, str]:
        """Return everything counted, in the text format, and its media type."""
        return generate_latest(self.registry), CONTENT_TYPE_LATEST
