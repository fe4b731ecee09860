"""The benchmarks by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from evals.bench.batch import bench_batch
from evals.bench.decode import bench_decode
from evals.bench.grouping import bench_grouping
from evals.bench.grouping_simulated import bench_grouping_simulated
from evals.bench.memory import bench_memory
from evals.bench.overhead import bench_overhead
from evals.bench.route import bench_route
from evals.bench.start import bench_start
from evals.reports import Report

Bench = Callable[[Callable[[str], None]], Awaitable[Report]]
"""Measures, telling the given function what it is doing, and returns the report."""

BENCHES: Mapping[str, Bench] = {
    "batch": bench_batch,
    "decode": bench_decode,
    "grouping": bench_grouping,
    "grouping-simulated": bench_grouping_simulated,
    "memory": bench_memory,
    "overhead": bench_overhead,
    "route": bench_route,
    "start": bench_start,
}
"""Every benchmark, in the order `conclave bench all` runs them."""
