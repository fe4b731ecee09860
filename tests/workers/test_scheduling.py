"""Laws of the choices a host makes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.hosting import Backlog
from core.ids import ModelName
from core.scheduling import Resident, evictions, next_model, turn_over

_NAMES = st.sampled_from([ModelName(name) for name in "abcdef"])
_BACKLOGS = st.lists(
    st.builds(Backlog, _NAMES, st.integers(0, 9), st.floats(0, 1e6)), unique_by=lambda entry: entry.model
)
_RESIDENT = st.lists(
    st.builds(Resident, _NAMES, st.integers(1, 100), st.floats(0, 1e6)), unique_by=lambda entry: entry.model
)


@given(backlog=_BACKLOGS, servable=st.frozensets(_NAMES), rested=st.dictionaries(_NAMES, st.floats(0, 1e6)))
def test_the_servable_model_that_waits_longest_for_a_turn_is_next(
    backlog: list[Backlog], servable: frozenset[ModelName], rested: dict[ModelName, float]
) -> None:
    entries = [entry for entry in backlog if entry.waiting and entry.model in servable]
    waiting = {entry.model: min(entry.oldest_s, rested.get(entry.model, entry.oldest_s)) for entry in entries}

    chosen = next_model(backlog, servable, rested)

    assert (chosen is None) == (not waiting)
    assert chosen is None or waiting[chosen] == max(waiting.values())


def test_an_endless_backlog_does_not_keep_every_turn() -> None:
    busy, rare = Backlog(ModelName("busy"), 1000, 60.0), Backlog(ModelName("rare"), 1, 2.0)

    assert next_model([busy, rare], {busy.model, rare.model}, {}) == "busy"
    assert next_model([busy, rare], {busy.model, rare.model}, {busy.model: 0.1}) == "rare"


@given(backlog=_BACKLOGS, model=_NAMES, served_s=st.floats(0, 100), quantum_s=st.floats(0.1, 100))
def test_a_turn_ends_early_only_for_others(
    backlog: list[Backlog], model: ModelName, served_s: float, quantum_s: float
) -> None:
    others = any(entry.waiting and entry.model != model for entry in backlog)

    assert turn_over(model, served_s, quantum_s, backlog) == (others and served_s >= quantum_s)


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
