"""Laws of the choices a host makes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.ids import ModelName
from core.scheduling import Collate, Fifo, Resident, SwitchTime, Turn, Turns, Waiting, evictions, next_model

_NAMES = st.sampled_from([ModelName(name) for name in "abcdef"])
_WAITING = st.lists(
    st.builds(Waiting, _NAMES, st.floats(0, 1e6), st.floats(0, 1e6)), unique_by=lambda entry: entry.model
)
_RESIDENT = st.lists(
    st.builds(Resident, _NAMES, st.integers(1, 100), st.floats(0, 1e6)), unique_by=lambda entry: entry.model
)


@given(waiting=_WAITING)
def test_the_model_whose_turn_clock_is_oldest_is_next(waiting: list[Waiting]) -> None:
    chosen = next_model(waiting, Turns())

    clocks = {entry.model: entry.since for entry in waiting}
    assert (chosen is None) == (not clocks)
    assert chosen is None or clocks[chosen] == min(clocks.values())


def test_an_endless_backlog_does_not_keep_every_turn() -> None:
    busy, rare = Waiting(ModelName("busy"), since=60.0, head=0.0), Waiting(ModelName("rare"), since=58.0, head=58.0)

    assert next_model([busy, rare], Collate()) == "busy"
    assert next_model([busy, rare], Turns()) == "rare"


@given(claimed=st.floats(0, 100), quantum=st.floats(0.1, 100), work=st.floats(0.1, 100), rival=st.booleans())
def test_a_turn_claims_past_its_quantum_only_its_first_request_or_while_nobody_else_waits(
    claimed: float, quantum: float, work: float, rival: bool
) -> None:
    other = Waiting(ModelName("other"), since=0.0, head=0.0) if rival else None

    goes_on = Turns().goes_on(Turn(claimed, quantum), work, 1.0, other)

    assert goes_on == (not rival or claimed == 0 or claimed + work <= quantum)


def test_in_order_of_arrival_a_turn_ends_at_an_older_request_of_another_model() -> None:
    rival, turn = Waiting(ModelName("other"), since=2.0, head=2.0), Turn(5.0, 1.0)

    assert Fifo().goes_on(turn, 1.0, 1.9, rival)
    assert not Fifo().goes_on(turn, 1.0, 2.1, rival)


@given(st.lists(st.floats(0, 60), max_size=30), st.floats(0.1, 10))
def test_a_switch_is_never_taken_for_less_than_its_load(measured: list[float], load_s: float) -> None:
    switch = SwitchTime(load_s)
    for seconds in measured:
        switch.measured(seconds)

    assert load_s <= switch.seconds <= max(load_s, *measured, load_s) + 1e-9
    assert switch.quantum_s() == 8 * switch.seconds


@given(resident=_RESIDENT, wanted=st.integers(1, 150), budget=st.integers(1, 300))
def test_what_is_unloaded_makes_room_and_is_not_more_than_needed(
    resident: list[Resident], wanted: int, budget: int
) -> None:
    size = {entry.model: entry.memory_bytes for entry in resident}

    gone = evictions(resident, wanted, budget)

    if gone is None:
        assert wanted > budget
        return
    left = sum(size.values()) - sum(size[model] for model in gone)
    assert left + wanted <= budget
    assert not gone or left + size[gone[-1]] + wanted > budget


@given(resident=_RESIDENT, wanted=st.integers(1, 150))
def test_the_longest_idle_go_first(resident: list[Resident], wanted: int) -> None:
    idle = {entry.model: entry.idle_s for entry in resident}

    gone = evictions(resident, wanted, 150) or ()

    kept = idle.keys() - set(gone)
    assert all(idle[out] >= idle[stays] for out in gone for stays in kept)
