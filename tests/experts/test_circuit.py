"""The circuit breaker: when it opens, and that only one probe goes through."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from experts.circuit import LONGEST_COOL_DOWN_S, THRESHOLD, WINDOW, Circuit, Pass


def opened(now: float = 0.0) -> Circuit:
    circuit = Circuit(random.Random(1))
    for _ in range(THRESHOLD):
        circuit.failed(Pass.CALL, now, "upstream_error")
    return circuit


def test_it_opens_at_the_fifth_failure_among_the_last_twenty_calls() -> None:
    circuit = Circuit(random.Random(1))
    for _ in range(THRESHOLD - 1):
        circuit.failed(Pass.CALL, 0.0, "upstream_error")
    before = circuit.admit(0.0)

    opening = circuit.failed(Pass.CALL, 0.0, "upstream_error")

    assert (before, opening, circuit.admit(0.0)) == (Pass.CALL, True, None)


def test_old_failures_are_forgotten() -> None:
    circuit = Circuit(random.Random(1))
    for _ in range(THRESHOLD - 1):
        circuit.failed(Pass.CALL, 0.0, "upstream_error")
    for _ in range(WINDOW):
        circuit.succeeded(Pass.CALL)

    assert not circuit.failed(Pass.CALL, 0.0, "upstream_error")


def test_one_refusal_of_our_key_opens_it_at_once() -> None:
    circuit = Circuit(random.Random(1))

    assert circuit.failed(Pass.CALL, 0.0, "upstream_not_authorised", at_once=True)
    assert circuit.admit(1.0) is None


def test_after_the_cool_down_one_probe_goes_through_and_no_second() -> None:
    circuit = opened()

    assert [circuit.admit(30.0), circuit.admit(30.0), circuit.admit(30.0)] == [Pass.PROBE, None, None]


def test_a_probe_that_goes_well_closes_it() -> None:
    circuit = opened()
    probe = circuit.admit(30.0)
    assert probe is not None

    circuit.succeeded(probe)

    assert circuit.admit(30.0) is Pass.CALL


def test_a_probe_that_fails_doubles_the_cool_down() -> None:
    circuit = opened()
    first = circuit.opens_in(0.0)
    circuit.admit(30.0)

    circuit.failed(Pass.PROBE, 30.0, "upstream_error")

    second = circuit.opens_in(30.0)
    assert first is not None
    assert second is not None
    assert second > first


def test_a_probe_whose_caller_left_lets_the_next_call_probe() -> None:
    circuit = opened()
    circuit.admit(30.0)

    circuit.forgot(Pass.PROBE)

    assert circuit.admit(30.0) is Pass.PROBE


def test_a_call_from_before_the_opening_does_not_close_it() -> None:
    circuit = opened()

    circuit.succeeded(Pass.CALL)

    assert circuit.admit(0.1) is None


@given(st.lists(st.tuples(st.floats(0, 20), st.sampled_from(["ask", "well", "badly", "leave"])), max_size=60))
def test_at_most_one_probe_is_out_and_every_wait_is_bounded(steps: list[tuple[float, str]]) -> None:
    circuit, out, now = opened(), 0, 0.0

    for seconds, step in steps:
        now += seconds
        if step == "ask":
            ticket = circuit.admit(now)
            out += ticket is Pass.PROBE
        elif out:
            out = 0
            if step == "well":
                circuit.succeeded(Pass.PROBE)
            elif step == "badly":
                circuit.failed(Pass.PROBE, now, "upstream_error")
            else:
                circuit.forgot(Pass.PROBE)
        assert out <= 1
        assert (circuit.opens_in(now) or 0.0) <= LONGEST_COOL_DOWN_S * 1.5
