"""Requests as they come: all at once, spread over time, in bursts, or most of them for one model. Seeded."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from evals.grouping.machine import Ask, Machine

_APART_S = 1e-6
_BURST = 20


def all_at_once(rng: random.Random, models: int, count: int, work_s: float) -> list[Ask]:
    """Return requests for `models` in a random order, there at once."""
    return _asks(rng, [number * _APART_S for number in range(count)], lambda: rng.randrange(models), work_s)


def spread(
    rng: random.Random, machine: Machine, models: int, count: int, work_s: float, load: float = 0.95
) -> list[Ask]:
    """Return requests that come as a Poisson stream, at `load` of what the hosts can decode."""
    every_s = _every_s(machine, work_s, load)
    times, now = [], 0.0
    for _ in range(count):
        now += rng.expovariate(1 / every_s)
        times.append(now)
    return _asks(rng, times, lambda: rng.randrange(models), work_s)


def bursty(rng: random.Random, machine: Machine, models: int, count: int, work_s: float) -> list[Ask]:
    """Return requests in bursts of twenty, at nine tenths of what the hosts can decode over all."""
    every_s = _BURST * _every_s(machine, work_s, 0.9)
    times = sorted((number // _BURST) * every_s + rng.random() for number in range(count))
    return _asks(rng, times, lambda: rng.randrange(models), work_s)


def skewed(rng: random.Random, machine: Machine, models: int, count: int, work_s: float) -> list[Ask]:
    """Return a Poisson stream of which each model gets a share by Zipf's law, at nine tenths of what can be decoded."""
    shares = [1 / rank for rank in range(1, models + 1)]
    stream = spread(rng, machine, models, count, work_s, 0.9)
    return _asks(rng, [ask.arrived for ask in stream], lambda: rng.choices(range(models), shares)[0], work_s)


def one_hot(rng: random.Random, machine: Machine, models: int, count: int, work_s: float) -> list[Ask]:
    """Return requests of which one model gets 1.3 times what a host decodes, and the others get one now and then."""
    hot = spread(rng, machine, 1, count, work_s, 1.3)
    span = hot[-1].arrived
    rare = [Ask(rng.uniform(0, span), f"m{1 + number % (models - 1)}", "rare", work_s, work_s) for number in range(40)]
    return sorted([*hot, *rare], key=lambda ask: ask.arrived)


def flooded(count: int, work_s: float) -> list[Ask]:
    """Return two callers' requests for one model: one floods at once, the other asks all the time."""
    flood = [Ask(number * _APART_S, "m0", "flood", work_s, work_s) for number in range(count)]
    steady = [Ask(0.5 + number * _APART_S, "m0", "steady", work_s, work_s) for number in range(count)]
    return [*flood, *steady]


def _every_s(machine: Machine, work_s: float, load: float) -> float:
    return work_s / (machine.speeds[-1] * machine.hosts * load)


def _asks(rng: random.Random, times: Sequence[float], model: Callable[[], int], work_s: float) -> list[Ask]:
    return [Ask(at, f"m{model()}", f"c{rng.randrange(2)}", work_s, work_s) for at in times]
