"""The benchmarks by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from evals.bench.grouping import bench_grouping
from evals.bench.overhead import bench_overhead
from evals.bench.route import bench_route
from evals.bench.start import bench_start
from evals.reports import Report

Bench = Callable[[Callable[[str], None]], Awaitable[Report]]
"""Measures, telling the given function what it is doing, and returns the report."""

BENCHES: Mapping[str, Bench] = {
    "grouping-simulated": bench_grouping,
    "overhead": bench_overhead,
    "route": bench_route,
    "start": bench_start,
}
"""Every benchmark, in the order `conclave bench all` runs them."""
